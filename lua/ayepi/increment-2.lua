-- Counts, and gives each counter its expiry, once for each call.
-- Atomic because a counter without its expiry stays for ever, and a count that the record of calls does not know is made
-- twice when it is sent again. The counters of a call have nothing to do with each other: they come together to be cheap.
--
-- KEYS[1]  the record of calls: a hash, which lapses an hour after it last grew   KEYS[2]  the first counter
-- ARGV[1]  the call's place in the record   ARGV[2]  its number there
-- ARGV[3]  time to live of the counters, whole ms (checked by the caller), or ''; 0 or less removes them
-- ARGV[4]  index of the first counter among those of the call, from 1   ARGV[5]  what to add to it
-- ARGV[6]… further counters, each with what to add; none in a cluster
-- Returns a text with the sum of each counter, commas between; - refused. A single one that is refused is an error, that of
-- the plain command.
local rcall, rpcall = redis.call, redis.pcall

--- @include "ayepi/exactly-once"

return exactly_once(function(key, by)
  local sum = rpcall('INCRBY', key, by)
  if type(sum) == 'table' then
    return sum
  end
  if ARGV[3] ~= '' then
    rcall('PEXPIRE', key, ARGV[3])
  end
  return string.format('%.0f', sum)
end)
