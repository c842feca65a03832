-- Sets one field of a step that is there.
-- Atomic so that nothing is made of a step that is not.
--
-- KEYS[1]  P:step:R:S   KEYS[2]  P:steps:R   KEYS[3]  P:active-runs   KEYS[4]  P:step-lease:R:S
-- ARGV[1]  R   ARGV[2]  S   ARGV[3]  now (ms)   ARGV[4]  field   ARGV[5]  value
-- Returns 1 done · 0 no such step.
local rcall = redis.call
--- @include "pikku/note"

if rcall('HEXISTS', KEYS[1], 'stepId') == 0 then
  return 0
end
note_step(KEYS[2], KEYS[3], nil, ARGV[1], ARGV[2], nil, nil, ARGV[3])
rcall('HSET', KEYS[1], ARGV[4], ARGV[5], 'updatedAt', ARGV[3])
if ARGV[4] == 'childRunId' then
  -- From here on the child drives the step, and no process.
  rcall('HDEL', KEYS[1], 'leased')
  rcall('DEL', KEYS[4])
end
return 1
