-- Sets keys that do not exist, once for each call: one that is sent again, because its reply was lost, hears the same.
-- Atomic because a claim that its record does not know would look like somebody else's. The claims have nothing to do with
-- each other: they come together to be cheap.
--
-- KEYS[1]  the record of calls: a hash, which lapses an hour after it last grew   KEYS[2]  the first key
-- ARGV[1]  the call's place in the record   ARGV[2]  its number there
-- ARGV[3]  time to live of the keys, ms, or ''
-- ARGV[4]  value of the first key   ARGV[5]… further keys, each with its value; none in a cluster
-- Returns a text with a character for each key: 1 set · 0 it existed before this call · - refused. A single one that is
-- refused is an error, that of the plain command.
local rcall, rpcall = redis.call, redis.pcall

local known = rcall('HGET', KEYS[1], ARGV[1])
if known then
  local call, outcomes = string.match(known, '^(%d+) (.*)$')
  if call == ARGV[2] then
    return outcomes
  end
end

local ttl = ARGV[3]
local function set(key, value)
  if ttl == '' then
    return rpcall('SET', key, value, 'NX')
  end
  return rpcall('SET', key, value, 'PX', ttl, 'NX')
end

local reply = set(KEYS[2], ARGV[4])
if reply and reply.err and #ARGV == 4 then
  return reply
end
local outcomes = { reply and (reply.err and '-' or '1') or '0' }
for i = 5, #ARGV, 2 do
  reply = set(ARGV[i], ARGV[i + 1])
  outcomes[#outcomes + 1] = reply and (reply.err and '-' or '1') or '0'
end
outcomes = table.concat(outcomes)
if rcall('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. outcomes) == 1 then
  rcall('PEXPIRE', KEYS[1], 3600000)
end
return outcomes
