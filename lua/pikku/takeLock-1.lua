-- Takes a lock.
-- Atomic so that a call sent again after a lost reply finds that it has the lock.
--
-- KEYS[1]  the lock
-- ARGV[1]  token   ARGV[2]  time to live (ms)
-- Returns 1 taken · 0 another has it.
local rcall = redis.call

if rcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') or rcall('GET', KEYS[1]) == ARGV[1] then
  return 1
end
return 0
