-- Counts and gives the counter its expiry.
-- Atomic because a counter that is left without an expiry between the two stays for ever.
--
-- KEYS[1]  the counter
-- ARGV[1]  what to add   ARGV[2]  time to live, whole ms (checked by the caller); 0 or less removes the counter
-- Returns the sum. Errors are those of the plain commands, which `pcall` keeps word for word.
local sum = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(sum) == 'table' and sum.err then
  return sum
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return sum
