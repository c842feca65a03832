-- Removes a member of an index and the hash beside it.
-- Atomic because an increment between the two would leave a hash without a member.
--
-- KEYS[1]  the index, a sorted set   KEYS[2]  the hash of the member
-- ARGV[1]  member
-- Returns 1 it was a member · 0 it was none.
local rcall = redis.call

local removed = rcall('ZREM', KEYS[1], ARGV[1])
rcall('UNLINK', KEYS[2])
return removed
