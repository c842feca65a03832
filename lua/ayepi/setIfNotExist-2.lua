-- Sets keys that do not exist, once for each call.
-- Atomic because a claim that the record of calls does not know would look like somebody else's when it is sent again. The
-- claims of a call have nothing to do with each other: they come together to be cheap.
--
-- KEYS[1]  the record of calls: a hash, which lapses an hour after it last grew   KEYS[2]  the first key
-- ARGV[1]  the call's place in the record   ARGV[2]  its number there
-- ARGV[3]  time to live of the keys, ms, or ''
-- ARGV[4]  index of the first key among those of the call, from 1   ARGV[5]  its value
-- ARGV[6]… further keys, each with its value; none in a cluster
-- Returns a text with an answer for each key, commas between: 1 set · 0 it existed before this call · - refused. A single one
-- that is refused is an error, that of the plain command.
local rcall, rpcall = redis.call, redis.pcall

--- @include "ayepi/exactly-once"

return exactly_once(function(key, value)
  local reply
  if ARGV[3] == '' then
    reply = rpcall('SET', key, value, 'NX')
  else
    reply = rpcall('SET', key, value, 'PX', ARGV[3], 'NX')
  end
  if reply and reply.err then
    return reply
  end
  return reply and '1' or '0'
end)
