-- Gives a step to one of those who want to execute it.
-- Atomic because the second of two claims has to see the first. The token keeps a claim that is sent again after a lost
-- reply from being refused to the one who has it.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:step-lock:R:S   KEYS[3]  P:steps:R   KEYS[4]  P:active-runs   KEYS[5]  P:pending-steps
-- KEYS[6]  P:step-lease:R:S
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  P:step-history:   ARGV[4]  now (ms)   ARGV[5]  call token
-- ARGV[6]  name of the function, '' for none
-- ARGV[7]  '' = no lease, its time to live (ms); the call token is its own   ARGV[8]… the fields to return
-- Returns a list: -1 a lock is held on the step · 0 no such step · 1 it is dispatched with another function ·
-- 2 it is running or has succeeded · 3, the status before, the asked fields: it is the caller's.
local rcall = redis.call
--- @include "pikku/retry"

local run, name, now, token = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local wanted = { 'attemptCount', 'retries', 'retryDelay', 'stepId', 'callToken', 'status', 'rpcName', 'leased' }
local stored = rcall('HMGET', KEYS[1], unpack(wanted))
local id, status = stored[4], stored[6]
local function lease(attempt)
  if ARGV[7] ~= '' then
    lease_begin(KEYS[1], KEYS[6], attempt, token, ARGV[7])
  end
end
local function claimed(before)
  return { 3, before, rcall('HMGET', KEYS[1], unpack(ARGV, 8)) }
end

-- Another process may be between its look at the step and its change of it.
if rcall('EXISTS', KEYS[2]) == 1 then
  return { -1 }
end
if not id then
  return { 0 }
end
if (stored[7] or '') ~= ARGV[6] then
  return { 1 }
end
if status == 'running' and stored[5] == token then
  return claimed(stored[1] == '1' and 'pending' or 'failed')
end
local was = status
if is_abandoned(status, stored[1], stored[8], KEYS[6]) then
  status = 'failed'
elseif status == 'running' or status == 'succeeded' then
  return { 2 }
end
local history = ARGV[3] .. id
if status == 'failed' then
  local keys = { KEYS[1], history, KEYS[3], KEYS[4], KEYS[5] }
  lease(begin_attempt(keys, run, name, id, stored, was, 'running', now, token))
elseif status == 'pending' or status == 'scheduled' then
  local attempt = attempt_number(stored[1])
  local members = attempt_members(history, attempt)
  note_step(KEYS[3], KEYS[4], KEYS[5], run, name, id, 'running', now)
  rcall('HSET', KEYS[1], 'status', 'running', 'updatedAt', now, 'callToken', token)
  local step = { id = id, name = name, attempt = attempt, retries = stored[2], delay = stored[3] }
  attempt_put(history, members, step, 'running', now, 'runningAt')
  lease(attempt)
end
return claimed(status)
