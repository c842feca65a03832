-- Removes a job with its index entry, lock, deduplication key and link from its parent.
-- Atomic because the index to leave is the one of the stored state.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  P, the key prefix   ARGV[2]  queue name   ARGV[3]  job id
-- Returns 1 removed · 0 no such job (stray index entries of the id are removed nevertheless).
local rcall = redis.call
--- @include "conveyor/remove"

local T, id = KEYS[1], ARGV[3]
local job = rcall('HMGET', T .. ':job:' .. id, 'state', 'groupId', 'deduplicationKey', 'parentId', 'parentQueueName')
rcall('ZREM', T .. ':x:quarantine', id)
if job[1] then
  remove_job(T, ARGV[1], ARGV[2], id, job)
  return 1
end
local states = { 'waiting', 'waiting-children', 'active', 'delayed', 'completed', 'failed' }
for i = 1, #states do
  index_remove(T, states[i], id, job[2])
end
return rcall('DEL', T .. ':job:' .. id, T .. ':lock:' .. id) > 0 and 1 or 0
