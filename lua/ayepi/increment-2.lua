-- Counts, and gives the counter its expiry, once for each call: one that is sent again, because its reply was lost,
-- hears the same.
-- Atomic because a counter without its expiry stays for ever, and a count that its record does not know is made twice.
--
-- KEYS[1]  the counter   KEYS[2]  the record of calls: a hash, which lapses an hour after it last grew
-- ARGV[1]  what to add   ARGV[2]  the call's place in the record   ARGV[3]  its number there
-- ARGV[4]  time to live, whole ms (checked by the caller), or absent; 0 or less removes the counter
-- Returns the sum. Errors are those of the plain commands, which `pcall` keeps word for word.
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known then
  local call, its_sum = string.match(known, '^(%d+) (.+)$')
  if call == ARGV[3] then
    return tonumber(its_sum)
  end
end
local sum = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(sum) == 'table' and sum.err then
  return sum
end
if ARGV[4] then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
if redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. string.format(' %.0f', sum)) == 1 then
  redis.call('PEXPIRE', KEYS[2], 3600000)
end
return sum
