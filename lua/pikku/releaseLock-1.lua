-- Gives a lock back.
-- Atomic because the lock may have become another's.
--
-- KEYS[1]  the lock
-- ARGV[1]  token
-- Returns 1 given back · 0 it was not ours.
local rcall = redis.call

if rcall('GET', KEYS[1]) == ARGV[1] then
  return rcall('DEL', KEYS[1])
end
return 0
