-- Reads the newest checkpoint of a task.
-- Atomic because it may be cleaned up between the look into the index and the read.
--
-- The key of the checkpoint stands in the index, so it cannot be among KEYS.
--
-- KEYS[1]  the index of the task, a sorted set
-- ARGV[1]  what the client puts before every key
-- Returns the checkpoint, JSON, or nil. Errors are those of the plain commands.
local newest = redis.pcall('ZREVRANGE', KEYS[1], 0, 0)
if newest.err then
  return newest
end
if #newest == 0 then
  return false
end
return redis.pcall('GET', ARGV[1] .. newest[1])
