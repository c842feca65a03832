-- Takes the lock of a run and reads its steps.
-- Atomic so that the picture of the steps is no older than the lock: nobody else replays the run from here on.
--
-- KEYS[1]  P:lock:R   KEYS[2]  P:run:R   KEYS[3]  P:steps:R
-- ARGV[1]  token   ARGV[2]  time to live (ms)   ARGV[3]  P:step:R:
-- ARGV[4]  how many steps may be read, '0' = none are wanted   ARGV[5]  how many bytes of them
-- ARGV[6]… the fields to return; the first is stepId
-- Returns a list: 0 another has it · 1 taken, and whether the steps that follow are all there are · for each step its
-- name and its fields.
local rcall = redis.call
--- @include "pikku/steps"

if not rcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and rcall('GET', KEYS[1]) ~= ARGV[1] then
  return { 0 }
end
local out = { 1, 0 }
local limit = tonumber(ARGV[4])
if limit > 0 and rcall('HEXISTS', KEYS[2], 'stepIndex') == 1 and rcall('ZCARD', KEYS[3]) <= limit then
  out[2] = read_steps(out, KEYS[3], ARGV[3], nil, 0, -1, 6, tonumber(ARGV[5])) and 1 or 0
end
return out
