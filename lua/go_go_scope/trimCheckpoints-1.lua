-- Removes the oldest checkpoints of a task, data and place in the index together.
-- Atomic because a list of what to remove is out of date as soon as somebody saves.
--
-- KEYS[1]  the index
-- ARGV[1]  how many to keep   ARGV[2]  what the client puts before each key, '' = nothing
-- ARGV[3]  how many to remove at most
-- Returns how many are still to be removed.
local due = redis.pcall('ZCARD', KEYS[1])
if type(due) == 'table' then
  return due
end
due = due - tonumber(ARGV[1])
local now = math.min(due, tonumber(ARGV[3]))
if now <= 0 then
  return 0
end
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, now - 1)) do
  redis.call('DEL', ARGV[2] .. name)
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, now - 1)
return due - now
