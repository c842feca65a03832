-- Makes a lock last longer if it still is its owner's.
-- Atomic because a lock that lapsed may be somebody else's by the time it is extended.
--
-- KEYS[1]  the lock
-- ARGV[1]  owner   ARGV[2]  time to live from now on, ms; 0 or less deletes the lock, which counts as extended
-- Returns 1 extended · 0 it is not held. Errors are those of GET and PEXPIRE.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' and holder.err then
  return holder
end
if holder ~= ARGV[1] then
  return 0
end
local extended = redis.pcall('PEXPIRE', KEYS[1], ARGV[2])
if type(extended) == 'table' and extended.err then
  return extended
end
return 1
