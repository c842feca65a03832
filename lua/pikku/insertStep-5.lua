-- Makes a step, with the first entry of its history.
-- Atomic so that of two callers that both found nothing one makes the step and the other gets it.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:step-history:<step id>   KEYS[3]  P:steps:R   KEYS[4]  P:active-runs
-- KEYS[5]  P:pending-steps
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  step id   ARGV[4]  now (ms)
-- ARGV[5]  '1' = replace a step that is there   ARGV[6]  retries, '' = none   ARGV[7]  retry delay, '' = none
-- ARGV[8]  n, the number of strings in the pairs   ARGV[9]… field, value, …, then the fields to return
-- Returns nil when the step was made, else the asked fields of the one that is there.
local rcall = redis.call
--- @include "pikku/attempt"
--- @include "pikku/note"

local id, now = ARGV[3], ARGV[4]
local pairs_end = 8 + tonumber(ARGV[8])
local stored = rcall('HGET', KEYS[1], 'stepId')
if stored and (ARGV[5] ~= '1' or stored == id) then
  rcall('ZADD', KEYS[3], 'NX', now, ARGV[2])
  return rcall('HMGET', KEYS[1], unpack(ARGV, pairs_end + 1))
end
local members = attempt_members(KEYS[2], '1')
note_step(KEYS[3], KEYS[4], KEYS[5], ARGV[1], ARGV[2], id, 'pending', now)
if not stored then
  -- What a write to a step that was not there has left behind is none of this step's.
  rcall('DEL', KEYS[1])
end
rcall('HSET', KEYS[1], unpack(ARGV, 9, pairs_end))
attempt_put(KEYS[2], members, {
  id = id,
  name = ARGV[2],
  attempt = '1',
  retries = ARGV[6] ~= '' and ARGV[6],
  delay = ARGV[7] ~= '' and ARGV[7],
}, 'pending', now)
return false
