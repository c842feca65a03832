-- Removes jobs of one state that are old enough, from one window of its index.
-- Atomic because a job may leave the state between the look and the removal.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  P, the key prefix   ARGV[2]  queue name   ARGV[3]  state
-- ARGV[4]  remove what is not younger than this, ms; '+inf' = everything
-- ARGV[5]  most ids to look at   ARGV[6]  where to go on: '0' at first, then what the last call returned
-- Returns { jobs removed, ids looked at, ids left (of active: all that are left), where to go on }.
-- Ids without a job of this state are taken off the index and not counted.
local rcall = redis.call
--- @include "conveyor/remove"

local T, prefix, queue, state = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local bound, count, place = tonumber(ARGV[4]) or math.huge, tonumber(ARGV[5]), ARGV[6]
local index = T .. ':' .. state
local is_list = state == 'waiting' or state == 'waiting-children'
local dated = state == 'active' and 'processedAt' or 'createdAt'
local ids

if is_list then
  ids = rcall('LRANGE', index, place, place + count - 1)
elseif state == 'active' then
  local page = rcall('SSCAN', index, place, 'COUNT', count)
  place, ids = page[1], page[2]
elseif state == 'delayed' then
  ids = rcall('ZRANGE', index, place, place + count - 1)
else
  ids = rcall('ZRANGEBYSCORE', index, '-inf', ARGV[4], 'LIMIT', 0, count)
  dated = nil
end

-- A list entry to remove is first overwritten, and all of them are taken off together: they lie near the front,
-- where LREM with a count soon stops. One LREM per id would walk past everything that is kept.
local gone = '\0gone'
local removed, kept = 0, 0
for i = 1, #ids do
  local id = ids[i]
  local job = redis.pcall('HMGET', T .. ':job:' .. id, 'state', 'groupId', 'deduplicationKey', 'parentId',
    'parentQueueName', dated or 'state')
  local at = not dated and 0 or tonumber(job[6]) or state ~= 'active' and 0
  if job[1] == state and not (at and at <= bound) then
    kept = kept + 1
  else
    if is_list then
      rcall('LSET', index, place + i - 1, gone)
    end
    if job[1] == state then
      remove_job(T, prefix, queue, id, job, is_list)
      removed = removed + 1
    else
      index_remove(T, state, id, job[2], is_list)
    end
  end
end
if is_list and #ids > kept then
  rcall('LREM', index, #ids - kept, gone)
end

if state == 'active' then
  return { removed, #ids, rcall('SCARD', index), place }
elseif not dated then
  return { removed, #ids, rcall('ZCOUNT', index, '-inf', ARGV[4]), '0' }
end
local left = rcall(is_list and 'LLEN' or 'ZCARD', index) - place - kept
return { removed, #ids, left, string.format('%.0f', place + kept) }
