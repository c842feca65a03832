-- Deletes the oldest checkpoints of a task, a bounded number at a time.
-- Atomic because one that is saved meanwhile must neither be counted wrongly nor lose its place in the index.
--
-- The keys of the checkpoints stand in the index, so they cannot be among KEYS.
--
-- KEYS[1]  the index of the task, a sorted set
-- ARGV[1]  how many to keep   ARGV[2]  what the client puts before every key   ARGV[3]  how many to delete at most
-- Returns 1 when there are more to delete · 0 done. Errors are those of ZCARD.
local listed = redis.pcall('ZCARD', KEYS[1])
if type(listed) == 'table' then
  return listed
end
local excess = listed - tonumber(ARGV[1])
if excess <= 0 then
  return 0
end
local now = math.min(excess, tonumber(ARGV[3]))
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, now - 1)) do
  redis.call('UNLINK', ARGV[2] .. member)
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, now - 1)
return excess > now and 1 or 0
