-- Adds a member to an index, with its metadata merged into the hash beside it.
-- Atomic because a member without its metadata breaks readers that look into it.
--
-- KEYS[1]  the index, a sorted set   KEYS[2]  the hash of the member
-- ARGV[1]  member   ARGV[2]  score   ARGV[3]… field, value, …
-- Returns 1.
local rcall = redis.call
--- @include "nvent/set-fields"

rcall('HSTRLEN', KEYS[2], '')
if #ARGV < 4 then
  rcall('ZSCORE', KEYS[1], ARGV[1])
  return redis.error_reply("ERR wrong number of arguments for 'hset' command")
end
rcall('ZADD', KEYS[1], ARGV[2], ARGV[1])
set_fields(KEYS[2], 3, #ARGV)
return 1
