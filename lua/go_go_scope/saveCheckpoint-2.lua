-- Stores a checkpoint and lists it under its task.
-- Atomic because a checkpoint that is stored and not listed is never found again.
--
-- KEYS[1]  the index of the task, a sorted set   KEYS[2]  the checkpoint
-- ARGV[1]  sequence   ARGV[2]  what the index calls the checkpoint   ARGV[3]  the checkpoint, JSON
-- Returns 1. Errors are those of ZADD; and WRONGTYPE where the key of the checkpoint is the index of another task, whose
-- checkpoints would be lost.
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'string' and kind ~= 'none' then
  return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
end
local listed = redis.pcall('ZADD', KEYS[1], ARGV[1], ARGV[2])
if type(listed) == 'table' and listed.err then
  return listed
end
redis.call('SET', KEYS[2], ARGV[3])
return 1
