-- Writes a new run, enters it into the index of all runs, and counts it among the running ones.
-- Atomic so that a call sent again after a lost reply does not undo what has happened to the run since.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:active-runs   KEYS[3]  P:runs
-- ARGV[1]  R   ARGV[2]  now (ms)
-- ARGV[3]… field, value, …
-- Returns 1 written · 0 it was there.
local rcall = redis.call

if rcall('HEXISTS', KEYS[1], 'id') == 1 then
  return 0
end
rcall('ZADD', KEYS[2], ARGV[2], ARGV[1])
rcall('ZADD', KEYS[3], ARGV[2], ARGV[1])
rcall('HSET', KEYS[1], unpack(ARGV, 3))
return 1
