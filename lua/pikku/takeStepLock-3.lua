-- Takes the lock of a step and reads the step.
-- Atomic so that the row is no older than the lock: nobody else claims the step from here on.
--
-- KEYS[1]  P:step-lock:R:S   KEYS[2]  P:step:R:S   KEYS[3]  P:step-lease:R:S
-- ARGV[1]  token   ARGV[2]  time to live (ms)   ARGV[3]… the fields to return
-- Returns a list: 0 another has it · 1 taken, 1 if the process that executes the step is gone, the asked fields.
local rcall = redis.call
--- @include "pikku/lease"

if not rcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and rcall('GET', KEYS[1]) ~= ARGV[1] then
  return { 0 }
end
local stored = rcall('HMGET', KEYS[2], 'status', 'attemptCount', 'leased')
local gone = is_abandoned(stored[1], stored[2], stored[3], KEYS[3])
return { 1, gone and 1 or 0, rcall('HMGET', KEYS[2], unpack(ARGV, 3)) }
