-- Reads a member of an index with its metadata.
-- Atomic because the entry may be deleted between the two reads.
--
-- KEYS[1]  the index, a sorted set   KEYS[2]  the hash of the member
-- ARGV[1]  member
-- Returns nil when it is no member, else its score and the fields and values of the hash, none when there is no hash.
local rcall = redis.call

local score = rcall('ZSCORE', KEYS[1], ARGV[1])
if not score then
  return false
end
return { score, rcall('HGETALL', KEYS[2]) }
