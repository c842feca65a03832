-- Deletes a value, and the counter that increments of this key have made.
-- Atomic because a reader of the one would then find the other.
--
-- KEYS[1]  the key   KEYS[2]  the hash of counters
-- ARGV[1]  field of the counter
-- Returns 1.
local rcall = redis.call

rcall('UNLINK', KEYS[1])
redis.pcall('HDEL', KEYS[2], ARGV[1])
return 1
