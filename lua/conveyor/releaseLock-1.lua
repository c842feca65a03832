-- Gives a lease up: lock fields, lock string, and the places in the active sets.
-- Atomic because only the owner may give up, and a later owner's lock must stay.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  job id
-- ARGV[2]  worker id of the lease that the caller holds, '' = none known   ARGV[3]  its processedAt
-- Returns 1 released, or nothing to release · 0 the lease is another's.
local rcall = redis.call
--- @include "conveyor/owner"

local T, id = KEYS[1], ARGV[1]
local job = T .. ':job:' .. id
local holder = rcall('HMGET', job, 'state', 'lockedBy', 'processedAt', 'groupId')
if ARGV[2] ~= '' and not is_owner(holder, ARGV[2], ARGV[3]) then
  return 0
end
rcall('SCARD', T .. ':active')
local group = holder[4]
if group and group ~= '' then
  rcall('SREM', T .. ':group:' .. group .. ':active', id)
end
rcall('HDEL', job, 'lockUntil', 'lockedBy')
rcall('DEL', T .. ':lock:' .. id)
rcall('SREM', T .. ':active', id)
return 1
