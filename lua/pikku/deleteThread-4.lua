-- Deletes a thread with its messages and runs, and takes it off the index and off the sets of its agents.
-- Atomic because a thread that is half deleted is listed without what it is made of.
--
-- KEYS[1]  hash of the thread   KEYS[2]  its messages   KEYS[3]  its runs   KEYS[4]  the index of all threads
-- ARGV[1]  thread id   ARGV[2]  what keys of runs begin with   ARGV[3]  what keys of agents' threads begin with
-- Returns 1 deleted · 0 there is no such thread.
local rcall = redis.call

if rcall('EXISTS', KEYS[1]) == 0 then
  return 0
end
local runs, agents = rcall('ZRANGE', KEYS[3], 0, -1), {}
for i, run in ipairs(runs) do
  agents[i] = rcall('HGET', ARGV[2] .. run, 'agentName')
end
for i, run in ipairs(runs) do
  if agents[i] and agents[i] ~= '' then
    rcall('SREM', ARGV[3] .. agents[i], ARGV[1])
  end
  rcall('UNLINK', ARGV[2] .. run)
end
rcall('ZREM', KEYS[4], ARGV[1])
rcall('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return 1
