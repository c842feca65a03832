-- Takes a step to another status, in its hash and in the history of its present attempt.
-- Atomic because two of these at once must leave one entry for the attempt, and hash and history must agree.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:step-history:<step id>   KEYS[3]  P:steps:R   KEYS[4]  P:active-runs
-- KEYS[5]  P:pending-steps   KEYS[6]  P:step-lease:R:S   KEYS[7]  P:step-lock:R:S   KEYS[8]  P:run:R
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  step id   ARGV[4]  now (ms)   ARGV[5]  status   ARGV[6]  name of its time stamp
-- ARGV[7]  'result' or 'error', '' = neither   ARGV[8]  its JSON text, '' for undefined
-- ARGV[9]  '' = not a claim, token of the lease to begin   ARGV[10]  its time to live (ms)   ARGV[11]  token of the lock
-- Returns 1 done, or the hash of the run for a claim · 0 no such step · 2 a worker was faster, nothing is changed.
local rcall = redis.call
--- @include "pikku/attempt"
--- @include "pikku/note"
--- @include "pikku/lease"

local id, now, status, field = ARGV[3], ARGV[4], ARGV[5], ARGV[7]
local stored = rcall('HMGET', KEYS[1], 'stepId', 'attemptCount', 'retries', 'retryDelay', 'status', 'leased')
if not stored[1] then
  return 0
end
-- Whoever queues a step says so afterwards: by then a worker may have it, or be done with it.
if status == 'scheduled' and is_taken(stored[5], stored[2], stored[6], KEYS[6]) then
  return 2
end
local attempt = attempt_number(stored[2])
local members = attempt_members(KEYS[2], attempt)
note_step(KEYS[3], KEYS[4], KEYS[5], ARGV[1], ARGV[2], id, status, now)
if field == '' then
  rcall('HSET', KEYS[1], 'status', status, 'updatedAt', now)
else
  rcall('HSET', KEYS[1], 'status', status, 'updatedAt', now, field, ARGV[8])
  rcall('HDEL', KEYS[1], field == 'result' and 'error' or 'result')
end
local step = { id = id, name = ARGV[2], attempt = attempt, retries = stored[3], delay = stored[4] }
attempt_put(KEYS[2], members, step, status, now, ARGV[6], field, ARGV[8])
if ARGV[9] ~= '' then
  lease_begin(KEYS[1], KEYS[6], attempt, ARGV[9], ARGV[10])
  claim_done(KEYS[7], ARGV[11])
  return rcall('HGETALL', KEYS[8])
end
if field ~= '' then
  rcall('DEL', KEYS[6])
end
return 1
