-- Gives a lock up if it still is its owner's.
-- Atomic because a lock that lapsed may be somebody else's by the time it is deleted.
--
-- KEYS[1]  the lock
-- ARGV[1]  owner
-- Returns 1 released · 0 it was not held. Errors are those of GET.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' and holder.err then
  return holder
end
if holder == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
