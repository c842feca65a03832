-- The live owner of a deduplication key.
-- Atomic because a pointer to a job that is gone may be deleted only while nobody can reserve the key again.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  the deduplication key
-- Returns JOB, or nil when nobody or a finished job owns the key.
local rcall = redis.call
--- @include "conveyor/terminal"

local pointer = KEYS[1] .. ':dedup:' .. ARGV[1]
local owner = rcall('GET', pointer)
if not owner then
  return false
end
local job = rcall('HMGET', KEYS[1] .. ':job:' .. owner, 'id', 'queueName', 'name', 'state', 'attemptsMade', 'progress',
  'pendingChildrenCount', 'failedReason', 'deduplicationKey', 'lockedBy', 'parentId', 'parentQueueName', 'groupId',
  'discarded', 'createdAt', 'processedAt', 'completedAt', 'failedAt', 'delayUntil', 'lockUntil', 'cancelledAt', 'data',
  'returnvalue', 'opts', 'logs', 'stacktrace', 'attemptLogs', 'childrenIds')
if is_terminal(job[4]) then
  return false
elseif not job[4] and rcall('EXISTS', KEYS[1] .. ':job:' .. owner) == 0 then
  rcall('DEL', pointer)
  return false
end
return job
