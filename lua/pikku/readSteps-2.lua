-- Reads steps of a run by its index, a page of them.
-- Atomic so that hash and history of a step belong together, and the steps and the run.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:steps:R
-- ARGV[1]  P:step:R:   ARGV[2]  P:step-history:, '' = without the histories
-- ARGV[3]  place of the first   ARGV[4]  how many at most
-- ARGV[5]  '1' = the run as well   ARGV[6]… the fields to return; the first is stepId
-- Returns a list: 1, or 0 when the index of this run does not have all steps · the number of steps in the index · the
-- hash of the run if asked for · for each step: its name, the fields, and its history if asked for.
local rcall = redis.call
--- @include "pikku/steps"

local out = { rcall('HEXISTS', KEYS[1], 'stepIndex'), rcall('ZCARD', KEYS[2]) }
if out[1] == 1 then
  local from = tonumber(ARGV[3])
  if ARGV[5] == '1' then
    out[3] = rcall('HGETALL', KEYS[1])
  end
  read_steps(out, KEYS[2], ARGV[1], ARGV[2] ~= '' and ARGV[2], from, from + ARGV[4] - 1, 6)
end
return out
