-- Takes a lock for an owner that is unique to this call, so that a call that was sent again knows its own lock.
-- Atomic because the lock must not change hands between the two looks.
--
-- KEYS[1]  the lock
-- ARGV[1]  owner   ARGV[2]  time to live, ms
-- Returns 1 taken · 0 held by somebody else. Errors are those of the plain commands.
local taken = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
if type(taken) == 'table' and taken.err then
  return taken
end
if taken then
  return 1
end
return redis.pcall('GET', KEYS[1]) == ARGV[1] and 1 or 0
