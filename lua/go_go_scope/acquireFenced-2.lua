-- Takes a lock together with its next fencing token: a number that grows with every holder.
-- Atomic because a holder without a token, or two holders in the wrong order of tokens, would defeat its purpose.
--
-- KEYS[1]  the lock   KEYS[2]  the counter of its tokens
-- ARGV[1]  owner   ARGV[2]  time to live, ms   ARGV[3]  1 when the owner is unique to this call, which may be a repeat
-- Returns the token · 0 held by somebody else. Errors are those of the plain commands.
local last = redis.pcall('GET', KEYS[2])
if type(last) == 'table' and last.err then
  return last
end
local taken = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
if type(taken) == 'table' and taken.err then
  return taken
end
if taken then
  return redis.call('INCR', KEYS[2])
end
if ARGV[3] == '1' and redis.pcall('GET', KEYS[1]) == ARGV[1] then
  return tonumber(last)
end
return 0
