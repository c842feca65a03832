-- Begins the next attempt of a step.
-- Atomic because the number of the attempt is read and written; the token keeps a call that is sent again after a lost
-- reply from counting twice.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:step-history:<step id>   KEYS[3]  P:steps:R   KEYS[4]  P:active-runs
-- KEYS[5]  P:pending-steps   KEYS[6]  P:step-lease:R:S   KEYS[7]  P:step-lock:R:S
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  step id   ARGV[4]  now (ms)   ARGV[5]  'pending' or 'running'   ARGV[6]  call token
-- ARGV[7]  '' = not a claim, token of the lease to begin   ARGV[8]  its time to live (ms)   ARGV[9]  token of the lock
-- ARGV[10]… the fields to return
-- Returns the asked fields of the step, or nil when there is none.
local rcall = redis.call
--- @include "pikku/retry"

local stored = rcall('HMGET', KEYS[1], 'attemptCount', 'retries', 'retryDelay', 'stepId', 'callToken', 'status')
if not stored[4] then
  return false
end
if stored[5] ~= ARGV[6] then
  local attempt = begin_attempt(KEYS, ARGV[1], ARGV[2], ARGV[3], stored, stored[6], ARGV[5], ARGV[4], ARGV[6])
  if ARGV[7] ~= '' then
    lease_begin(KEYS[1], KEYS[6], attempt, ARGV[7], ARGV[8])
    claim_done(KEYS[7], ARGV[9])
  end
end
return rcall('HMGET', KEYS[1], unpack(ARGV, 10))
