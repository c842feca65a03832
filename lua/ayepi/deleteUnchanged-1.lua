-- Removes an entry if it still is the one that was judged.
-- Atomic because an entry that was written since then is a fresh one, and must stay.
--
-- KEYS[1]  the entry
-- ARGV[1]  SHA-1 of the value that was judged, in lower-case hex
-- Returns 1 removed · 0 gone, changed, or of another type by now.
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' and redis.sha1hex(value) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
