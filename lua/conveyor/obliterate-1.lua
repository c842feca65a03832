-- Takes a queue out of service: deletes its indexes, so that nobody leases or lists what is about to be deleted.
-- Atomic because no job may become active between the check and the deletion.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  '1' = also when jobs are active
-- Returns 1 done · -3 active jobs exist.
local rcall = redis.call

local T = KEYS[1]
if ARGV[1] ~= '1' and rcall('SCARD', T .. ':active') > 0 then
  return -3
end
rcall('UNLINK', T .. ':waiting', T .. ':waiting-children', T .. ':active', T .. ':delayed', T .. ':completed',
  T .. ':failed', T .. ':paused', T .. ':rl', T .. ':x:prio', T .. ':x:prio:ids', T .. ':x:prio:meta', T .. ':x:gcur')
return 1
