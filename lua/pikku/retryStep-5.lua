-- Begins the next attempt of a step.
-- Atomic because the number of the attempt is read and written; the token keeps a call that is sent again after a lost
-- reply from counting twice.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:step-history:<step id>   KEYS[3]  P:steps:R   KEYS[4]  P:active-runs
-- KEYS[5]  P:pending-steps
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  step id   ARGV[4]  now (ms)   ARGV[5]  'pending' or 'running'   ARGV[6]  call token
-- ARGV[7]… the fields to return
-- Returns the asked fields of the step, or nil when there is none.
local rcall = redis.call
--- @include "pikku/retry"

local stored = rcall('HMGET', KEYS[1], 'attemptCount', 'retries', 'retryDelay', 'stepId', 'callToken')
if not stored[4] then
  return false
end
if stored[5] ~= ARGV[6] then
  begin_attempt(KEYS, ARGV[1], ARGV[2], ARGV[3], stored, ARGV[5], ARGV[4], ARGV[6])
end
return rcall('HMGET', KEYS[1], unpack(ARGV, 7))
