-- Gives a lock up.
-- Atomic because between a look at the owner and the removal the lock may end and be taken by somebody else.
--
-- KEYS[1]  the lock
-- ARGV[1]  owner
-- Returns 1 given up · 0 not this owner's. Errors are those of the plain commands.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' then
  return holder
end
if holder == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
