-- Reads the checkpoint with the highest sequence.
-- Atomic because the newest in the index may be removed before its data is read.
--
-- KEYS[1]  the index
-- ARGV[1]  what the client puts before each key, '' = nothing
-- Returns nil · the checkpoint.
local newest = redis.pcall('ZREVRANGE', KEYS[1], 0, 0)
if newest.err then
  return newest
end
if #newest == 0 then
  return false
end
return redis.pcall('GET', ARGV[1] .. newest[1])
