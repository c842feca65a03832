-- Adds to a field of a hash and counts its version up; makes the hash if need be.
-- Atomic because a reader must not see the one without the other, and a crash between them would leave it so.
--
-- KEYS[1]  the hash
-- ARGV[1]  field   ARGV[2]  what to add
-- Returns the field's value, before the version's own step when the field is the version.
local rcall = redis.call

local before = redis.pcall('HGET', KEYS[1], ARGV[1]) -- a wrong type fails the next command
local value = rcall('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
if value >= 2 ^ 53 or value <= -2 ^ 53 then
  value = rcall('HGET', KEYS[1], ARGV[1]) -- Lua would round it
end
local bumped = redis.pcall('HINCRBY', KEYS[1], 'version', 1)
if type(bumped) ~= 'table' then
  return value
end
if before then
  rcall('HSET', KEYS[1], ARGV[1], before)
else
  rcall('HDEL', KEYS[1], ARGV[1])
end
return bumped
