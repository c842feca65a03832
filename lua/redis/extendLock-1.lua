-- Makes a lock live on.
-- Atomic because the lock may have become another's.
--
-- KEYS[1]  the lock
-- ARGV[1]  its owner   ARGV[2]  time to live from now on (ms)
-- Returns 1 extended · 0 it is not the owner's.
local rcall = redis.call

if rcall('GET', KEYS[1]) == ARGV[1] then
  return rcall('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
