-- Deletes a run with its variables, steps and their histories, and takes it off our indexes. Locks are left to expire:
-- somebody holds them.
-- Atomic, but for runs of very many steps, because a run that is half deleted is listed without what it is made of. The
-- run itself goes last.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:run-state:R   KEYS[3]  P:steps:R   KEYS[4]  P:runs   KEYS[5]  P:active-runs
-- KEYS[6]  P:pending-steps
-- ARGV[1]  R   ARGV[2]  what keys of its steps begin with   ARGV[3]  what keys of histories begin with
-- ARGV[4]  'nothing' = its index of steps may lack some   'marker' = unless the run says that it is complete
--          'index' = the steps that it lacks are deleted already
-- ARGV[5]  most steps to delete
-- Returns 1 deleted · 0 no such run · 2 nothing done: the index may lack steps · 3 more steps are left, call again.
local rcall = redis.call

if rcall('EXISTS', KEYS[1]) == 0 then
  return 0
end
if ARGV[4] == 'nothing' or (ARGV[4] == 'marker' and rcall('HGET', KEYS[1], 'stepIndex') ~= '1') then
  return 2
end
local most = tonumber(ARGV[5])
local names, ids = rcall('ZRANGE', KEYS[3], 0, most - 1), {}
for i, name in ipairs(names) do
  ids[i] = rcall('HGET', ARGV[2] .. name, 'stepId')
end
for i, name in ipairs(names) do
  rcall('UNLINK', ARGV[2] .. name)
  rcall('ZREM', KEYS[3], name)
  if ids[i] then
    rcall('UNLINK', ARGV[3] .. ids[i])
    rcall('ZREM', KEYS[6], ids[i])
  end
end
if #names == most then
  return 3
end
rcall('ZREM', KEYS[4], ARGV[1])
rcall('ZREM', KEYS[5], ARGV[1])
rcall('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return 1
