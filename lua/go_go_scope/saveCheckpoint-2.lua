-- Saves a checkpoint and enters it in the index of its task.
-- Atomic because data that no index names is found by nobody, and never removed.
--
-- KEYS[1]  the index   KEYS[2]  the data
-- ARGV[1]  sequence   ARGV[2]  the checkpoint   ARGV[3]  the name of the data in the index
-- Returns OK. The index comes first: it is what a wrong sequence or a wrong type fails on, with nothing written.
local added = redis.pcall('ZADD', KEYS[1], ARGV[1], ARGV[3])
if type(added) == 'table' then
  return added
end
return redis.call('SET', KEYS[2], ARGV[2])
