-- Reads a value, or the counter that increments of this key have made: a field of the hash named by all but the key's
-- last segment.
-- Atomic because the counter counts only while there is no value.
--
-- KEYS[1]  the key   KEYS[2]  the hash of counters
-- ARGV[1]  field of the counter
-- Returns the text, or nil.
local rcall = redis.call

local value = rcall('GET', KEYS[1])
if value then
  return value
end
local counter = redis.pcall('HGET', KEYS[2], ARGV[1])
return type(counter) == 'string' and counter or false
