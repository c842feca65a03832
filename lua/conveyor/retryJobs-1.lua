-- Sends finished jobs back to waiting, the earliest first, as new as when they were added.
-- Atomic because a job must be in exactly one index. Bounded: the caller repeats it while jobs are left.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]  'completed' or 'failed'
-- ARGV[5]  most ids to move
-- Returns { ids taken, ids left }. As upstream counts, an id whose job is gone counts too.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/claims"
--- @include "conveyor/dedup-retake"
--- @include "conveyor/priority"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"

local T, from = KEYS[1], ARGV[4]
local index, claims = T .. ':' .. from, T .. ':x:claims:' .. ARGV[1]
local ids = rcall('ZRANGE', index, 0, ARGV[5] - 1)
local before = recall(claims, ARGV[2], ARGV[3])
if before or #ids == 0 then
  return { tonumber(before) or 0, rcall('ZCARD', index) }
end

local now = server_ms()
for i = 1, #ids do
  local id = ids[i]
  local job = T .. ':job:' .. id
  local stored = redis.pcall('HMGET', job, 'state', 'groupId', 'createdAt', 'deduplicationKey', 'opts')
  index_check(T, 'waiting', stored[2])
  rcall('ZREM', index, id)
  if stored[1] == from then
    local since = stored[3] or int(now)
    rcall('HSET', job, 'state', 'waiting', 'attemptsMade', '0', 'progress', '0', 'stacktrace', '[]')
    rcall('HDEL', job, 'returnvalue', 'failedReason', 'failedAt', 'completedAt', 'processedAt')
    index_add(T, 'waiting', id, stored[2], nil, since, priority_of(stored[5]))
    dedup_retake(T, stored[4], id, stored[5], since, now)
  end
end
remember(claims, ARGV[2], ARGV[3], int(#ids))
return { #ids, rcall('ZCARD', index) }
