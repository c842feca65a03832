-- Reads a value together with its time to live.
-- Atomic because a value must not be given the expiry of another, or none because it ended in between.
--
-- KEYS[1]  the value
-- Returns nil · {value, time to live in ms (negative: none)}.
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then
  return value
end
return { value, redis.call('PTTL', KEYS[1]) }
