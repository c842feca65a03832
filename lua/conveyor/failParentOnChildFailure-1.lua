-- Fails a parent because one of its children failed.
-- Atomic because a parent that is being worked on, or has ended, must be left alone.
--
-- KEYS[1]  T, base of the parent's queue
-- ARGV[1]  parent id   ARGV[2]  reason
-- Returns 1 failed · 0 no such parent, or neither waiting-children nor waiting.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/dedup"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"
--- @include "conveyor/index-remove"

local T, id = KEYS[1], ARGV[1]
local job = T .. ':job:' .. id
local stored = rcall('HMGET', job, 'state', 'groupId', 'deduplicationKey', 'failedReason')
local state, reason = stored[1], 'Child failed: ' .. ARGV[2]
if state ~= 'waiting-children' and state ~= 'waiting' then
  return state == 'failed' and stored[4] == reason and 1 or 0
end
local now = int(server_ms())
index_check(T, state, stored[2])
index_check(T, 'failed')

rcall('HSET', job, 'state', 'failed', 'failedReason', reason, 'failedAt', now)
rcall('HDEL', job, 'lockUntil', 'lockedBy')
index_remove(T, state, id, stored[2])
index_add(T, 'failed', id, stored[2], now)
dedup_release(T, stored[3], id)
return 1
