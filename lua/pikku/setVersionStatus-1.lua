-- Sets the status of a stored version.
-- Atomic so that a status alone is never taken for a version.
--
-- KEYS[1]  P:version:NAME:HASH
-- ARGV[1]  status
-- Returns 1 done · 0 there is no such version.
local rcall = redis.call

local graph = rcall('HGET', KEYS[1], 'graph')
if not graph or graph == '' then
  return 0
end
rcall('HSET', KEYS[1], 'status', ARGV[1])
return 1
