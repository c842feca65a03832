-- Sets a key that does not exist, once for each call: one that is sent again, because its reply was lost, hears the same.
-- Atomic because a claim that its record does not know would look like somebody else's.
--
-- KEYS[1]  the key   KEYS[2]  the record of calls: a hash, which lapses a week after it last grew
-- ARGV[1]  value   ARGV[2]  the call's place in the record   ARGV[3]  its number there
-- ARGV[4]  time to live, ms, or absent
-- Returns OK · nil when the key existed before this call. Errors are those of the plain command.
local set
if ARGV[4] then
  set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[4], 'NX')
else
  set = redis.pcall('SET', KEYS[1], ARGV[1], 'NX')
end
if set then
  if not set.err and redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) == 1 then
    redis.call('PEXPIRE', KEYS[2], 604800000)
  end
  return set
end
return redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[3] and redis.status_reply('OK')
