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

local function recorded()
  local known = rcall('HGET', KEYS[1], ARGV[1])
  local call, answer = string.match(known or '', '^(%d+) (.*)$')
  return call == ARGV[2] and answer
end

local function set(key, value)
  if ARGV[3] == '' then
    return rpcall('SET', key, value, 'NX')
  end
  return rpcall('SET', key, value, 'PX', ARGV[3], 'NX')
end

local answer
if #ARGV == 4 then
  -- A single claim need only look at the record when it finds its key there.
  local reply = set(KEYS[2], ARGV[4])
  if not reply then
    return recorded() or '0'
  elseif reply.err then
    return reply
  end
  answer = '1'
else
  answer = recorded()
  if answer then
    return answer
  end
  local outcomes = {}
  for i = 3, #ARGV, 2 do
    local reply = set(i == 3 and KEYS[2] or ARGV[i], ARGV[i + 1])
    outcomes[#outcomes + 1] = reply and (reply.err and '-' or '1') or '0'
  end
  answer = table.concat(outcomes)
end
if rcall('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. answer) == 1 then
  rcall('PEXPIRE', KEYS[1], 3600000)
end
return answer
