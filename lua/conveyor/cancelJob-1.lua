-- Marks an active job as cancelled and tells everybody.
-- Atomic because a job that has ended meanwhile must not be marked.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  job id   ARGV[2]  time of the cancellation, ms
-- ARGV[3]  P:events, the channel   ARGV[4]  the event
-- Returns 1 cancelled · 0 not active.
local rcall = redis.call

local job = KEYS[1] .. ':job:' .. ARGV[1]
local stored = rcall('HMGET', job, 'state', 'cancelledAt')
if stored[1] ~= 'active' then
  return 0
end
if stored[2] ~= ARGV[2] then
  rcall('HSET', job, 'cancelledAt', ARGV[2])
  rcall('PUBLISH', ARGV[3], ARGV[4])
end
return 1
