-- Sets a variable of a run, and the time of its last change if there is such a run.
-- Atomic so that no run is made of a time alone.
--
-- KEYS[1]  P:run-state:R   KEYS[2]  P:run:R   KEYS[3]  P:active-runs
-- ARGV[1]  R   ARGV[2]  now (ms)   ARGV[3]  name   ARGV[4]  JSON text
-- Returns 1.
local rcall = redis.call

local known = rcall('HEXISTS', KEYS[2], 'id') == 1
if known then
  rcall('ZADD', KEYS[3], 'XX', ARGV[2], ARGV[1])
end
rcall('HSET', KEYS[1], ARGV[3], ARGV[4])
if known then
  rcall('HSET', KEYS[2], 'updatedAt', ARGV[2])
end
return 1
