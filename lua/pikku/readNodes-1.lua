-- Looks at some steps of a run.
-- One script so that a graph of many nodes costs one command.
--
-- KEYS[1]  P:run:R
-- ARGV[1]  P:step:R:   ARGV[2]  '1' = whether they are there   ARGV[3]… names of steps
-- Returns a list: for each name 1 or 0, or else the result of a step that has succeeded with one, and nil.
local rcall = redis.call

local out = {}
for i = 3, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  if ARGV[2] == '1' then
    out[i - 2] = rcall('EXISTS', key)
  else
    local row = rcall('HMGET', key, 'status', 'result')
    out[i - 2] = row[1] == 'succeeded' and row[2] ~= '' and row[2]
  end
end
return out
