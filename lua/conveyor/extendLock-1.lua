-- Prolongs a lease from now on.
-- Atomic because only the owner may prolong, and only while the job is active.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  job id   ARGV[2]  duration, whole ms
-- ARGV[3]  worker id of the lease that the caller holds, '' = none known   ARGV[4]  its processedAt
-- Returns 1 prolonged · 0 not active, or the lease is another's.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/owner"

local T, id, duration = KEYS[1], ARGV[1], tonumber(ARGV[2])
local job, lock = T .. ':job:' .. id, T .. ':lock:' .. id
local holder = rcall('HMGET', job, 'state', 'lockedBy', 'processedAt')
if not is_owner(holder, ARGV[3], ARGV[4]) then
  return 0
end
if holder[2] then
  rcall('SET', lock, holder[2], 'PX', ARGV[2])
else
  rcall('PEXPIRE', lock, ARGV[2])
end
rcall('HSET', job, 'lockUntil', int(server_ms() + duration))
return 1
