-- Writes the state of a circuit if the stored one still is the one that it was computed from.
-- Atomic because a failure that somebody else counted meanwhile must not be lost.
--
-- KEYS[1]  the state
-- ARGV[1]  SHA-1 of the text that was read, in lower-case hex   ARGV[2]  the new text
-- ARGV[3]  seconds to live   ARGV[4]  channel to tell, '' = none
-- Returns 1 written · 0 the stored text is another.
local text = redis.pcall('GET', KEYS[1])
if type(text) == 'table' then
  return text
end
if not text or redis.sha1hex(text) ~= ARGV[1] then
  return 0
end
redis.call('SETEX', KEYS[1], ARGV[3], ARGV[2])
if ARGV[4] ~= '' then
  redis.call('PUBLISH', ARGV[4], ARGV[2])
end
return 1
