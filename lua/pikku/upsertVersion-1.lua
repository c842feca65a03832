-- Stores a version of a workflow unless there is one: the first writer wins.
-- Atomic so that of two first writers one is the first.
--
-- KEYS[1]  P:version:NAME:HASH
-- ARGV[1]… field, value, …
-- Returns 1 stored · 0 there was one.
local rcall = redis.call

local graph = rcall('HGET', KEYS[1], 'graph')
if graph and graph ~= '' then
  return 0
end
rcall('HSET', KEYS[1], unpack(ARGV))
return 1
