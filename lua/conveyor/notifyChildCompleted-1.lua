-- Counts one child of a parent as ended, and queues the parent after the last one.
-- Atomic because two children may end at once, and the parent must be queued exactly once.
--
-- KEYS[1]  T, base of the parent's queue
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]  parent id
-- Returns the parent's state afterwards; 'completed' when there is no parent.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/claims"
--- @include "conveyor/priority"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"
--- @include "conveyor/index-remove"

local T, id = KEYS[1], ARGV[4]
local job, claims = T .. ':job:' .. id, T .. ':x:claims:' .. ARGV[1]
local stored = rcall('HMGET', job, 'state', 'pendingChildrenCount', 'groupId', 'opts')
local before = recall(claims, ARGV[2], ARGV[3])
if before then
  return before
end
if not stored[1] and rcall('EXISTS', job) == 0 then
  return 'completed'
end
local state, group = stored[1] or 'waiting-children', stored[3]
local pending = math.max(0, (tonumber(stored[2]) or 0) - 1)
index_check(T, 'waiting-children')
index_check(T, 'waiting', group)

rcall('HSET', job, 'pendingChildrenCount', int(pending))
if pending == 0 and state == 'waiting-children' then
  index_remove(T, state, id)
  index_add(T, 'waiting', id, group, nil, int(server_ms()), priority_of(stored[4]))
  rcall('HSET', job, 'state', 'waiting')
  state = 'waiting'
end
remember(claims, ARGV[2], ARGV[3], state)
return state
