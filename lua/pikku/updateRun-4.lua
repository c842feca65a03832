-- Sets the status of a run, with its output and error.
-- Atomic because a run that is not there must not be made, and because an end may give all its keys a time to live.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:active-runs   KEYS[3]  P:steps:R   KEYS[4]  P:run-state:R
-- ARGV[1]  P   ARGV[2]  R   ARGV[3]  now (ms)   ARGV[4]  status
-- ARGV[5]  seconds that an ended run is kept, '' = for ever   ARGV[6]  how many steps may be seen to at most
-- ARGV[7]… field, value, … of output and error
-- Returns 1 done · 2 done, but the times to live of the steps are left to the caller · 0 no such run.
local rcall = redis.call

local P, run, now, status, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local stored = rcall('HMGET', KEYS[1], 'id', 'stepIndex')
if not stored[1] then
  return 0
end
if status == 'running' then
  rcall('ZADD', KEYS[2], now, run)
else
  rcall('ZREM', KEYS[2], run)
end
rcall('HSET', KEYS[1], 'status', status, 'updatedAt', now, unpack(ARGV, 7))
-- The error of an earlier end is not one of a run that has succeeded.
if status == 'completed' then
  local given = false
  for i = 7, #ARGV, 2 do
    given = given or ARGV[i] == 'error'
  end
  if not given then
    rcall('HDEL', KEYS[1], 'error')
  end
end

local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
local verb
if ended and keep ~= '' then
  verb = 'EXPIRE'
elseif not ended and rcall('TTL', KEYS[1]) >= 0 then
  verb = 'PERSIST'
end
if not verb then
  return 1
end
local function apply(key)
  if verb == 'EXPIRE' then
    rcall('EXPIRE', key, keep)
  else
    rcall('PERSIST', key)
  end
end
local known = stored[2] and rcall('ZCARD', KEYS[3]) <= tonumber(ARGV[6])
if known then
  for _, name in ipairs(rcall('ZRANGE', KEYS[3], 0, -1)) do
    local step = P .. ':step:' .. run .. ':' .. name
    local id = rcall('HGET', step, 'stepId')
    apply(step)
    if id then
      apply(P .. ':step-history:' .. id)
    end
  end
end
for _, key in ipairs({ KEYS[1], KEYS[3], KEYS[4] }) do
  apply(key)
end
return known and 1 or 2
