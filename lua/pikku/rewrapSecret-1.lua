-- Gives a secret its data key wrapped anew.
-- Atomic because a value that is set meanwhile comes with a data key of its own, and would be lost with it.
--
-- KEYS[1]  hash of the secret
-- ARGV[1]  wrapped data key that was read   ARGV[2]  the same data key, wrapped anew   ARGV[3]  key version of the latter
-- Returns 1 done, now or by an earlier try of this call · 0 the secret has another data key, or is gone.
local rcall = redis.call

local wrapped = rcall('HGET', KEYS[1], 'wrapped_dek')
if wrapped == ARGV[2] then
  return 1
end
if wrapped ~= ARGV[1] then
  return 0
end
rcall('HSET', KEYS[1], 'wrapped_dek', ARGV[2], 'key_version', ARGV[3])
return 1
