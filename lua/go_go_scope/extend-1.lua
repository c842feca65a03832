-- Prolongs a lock from now on.
-- Atomic because between a look at the owner and the expiry the lock may end and be taken by somebody else.
--
-- KEYS[1]  the lock
-- ARGV[1]  owner   ARGV[2]  time to live, ms, as given: 0 or less gives the lock up
-- Returns 1 prolonged · 0 not this owner's. Errors are those of the plain commands.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' then
  return holder
end
if holder ~= ARGV[1] then
  return 0
end
local prolonged = redis.pcall('PEXPIRE', KEYS[1], ARGV[2])
if type(prolonged) == 'table' then
  return prolonged
end
return 1
