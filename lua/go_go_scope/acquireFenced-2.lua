-- Takes a lock and draws the next fencing number, which grows with every holder.
-- Atomic because a number drawn apart from the lock could be drawn by an earlier holder later.
--
-- KEYS[1]  the lock   KEYS[2]  the hash beside it: `n` the last number, `by` the call that drew it
-- ARGV[1]  owner   ARGV[2]  time to live, ms, as given   ARGV[3]  token of this call
-- Returns nil held by somebody else · the number.
if redis.call('HGET', KEYS[2], 'by') == ARGV[3] and redis.pcall('GET', KEYS[1]) == ARGV[1] then
  return tonumber(redis.call('HGET', KEYS[2], 'n'))
end
local taken = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
if not taken or taken.err then
  return taken
end
redis.call('HSET', KEYS[2], 'by', ARGV[3])
return redis.call('HINCRBY', KEYS[2], 'n', 1)
