-- Reads an entry with the time it has left.
-- Atomic because the entry may lapse or be replaced between the two reads.
--
-- KEYS[1]  the entry
-- Returns nil when there is none, else its value and its time to live, ms, negative for ever. Errors are those of GET.
local value = redis.pcall('GET', KEYS[1])
if not value or (type(value) == 'table' and value.err) then
  return value
end
return { value, redis.call('PTTL', KEYS[1]) }
