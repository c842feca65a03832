-- Changes fields of a job and moves it between indexes.
-- Atomic because the index to leave is the one of the stored state, and because a condition on the state or on
-- the lease is worth nothing when another client can write between the check and the change.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]  job id
-- ARGV[5]  worker id of the lease that the caller holds, '' = none known   ARGV[6]  its processedAt
-- ARGV[7]  lockUntil that a stalled sweep saw, '' = not a sweep
-- ARGV[8]  '1' = record metrics
-- ARGV[9]  priority in the new options, '' = unchanged
-- ARGV[10] n, the number of expected states
-- ARGV[11] m, the number of strings in the pairs that follow
-- ARGV[12]… n expected states, m strings field, value, …, then the fields to clear
-- Returns 1 done · 0 no such job, or a sweep that came too late · -1 delayed without delayUntil ·
-- -2 the lease is another's · the current state (text) when it is not an expected one.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/claims"
--- @include "conveyor/terminal"
--- @include "conveyor/dedup"
--- @include "conveyor/dedup-retake"
--- @include "conveyor/priority"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"
--- @include "conveyor/index-remove"
--- @include "conveyor/metrics-record"
--- @include "conveyor/order-rescore"

local T, id, owner, sweep = KEYS[1], ARGV[4], ARGV[5], ARGV[7]
local expected, pairs_at = tonumber(ARGV[10]), 12 + ARGV[10]
local cleared_at = pairs_at + ARGV[11]
local job, claims = T .. ':job:' .. id, T .. ':x:claims:' .. ARGV[1]

local stored = rcall('HMGET', job, 'state', 'groupId', 'createdAt', 'delayUntil', 'deduplicationKey', 'lockedBy',
  'processedAt', 'lockUntil', 'name')
local state, group, created = stored[1], stored[2], stored[3]
if not state and rcall('EXISTS', job) == 0 then
  return 0
end

-- The first answer, if this call has succeeded before; else the refusal.
local function refuse(answer)
  return recall(claims, ARGV[2], ARGV[3]) and 1 or answer
end

if sweep ~= '' and (state ~= 'active' or stored[8] ~= sweep) then
  return refuse(0)
end
if expected > 0 then
  local met = false
  for i = 12, 11 + expected do
    met = met or ARGV[i] == state
  end
  if not met then
    return refuse(state or '')
  end
end
if owner ~= '' and (state ~= 'active' or stored[6] ~= owner or stored[7] ~= ARGV[6]) then
  return refuse(-2)
end

local new, cleared = {}, {}
for i = pairs_at, cleared_at - 1, 2 do
  new[ARGV[i]] = ARGV[i + 1]
end
for i = cleared_at, #ARGV do
  cleared[ARGV[i]] = true
end
local function merged(field, old)
  return new[field] or not cleared[field] and old
end

local to = new.state or state
local moved, due = to ~= state, merged('delayUntil', stored[4])
if to == 'delayed' and not due then
  return -1
end

-- The old index is left before the hash is written: without a group that is one write, which fails by itself.
if moved then
  if group and group ~= '' then
    index_check(T, state or '', group)
  end
  index_check(T, to, merged('groupId', group))
  index_remove(T, state or '', id, group)
end
if cleared_at > pairs_at then
  rcall('HSET', job, unpack(ARGV, pairs_at, cleared_at - 1))
end
if #ARGV >= cleared_at then
  rcall('HDEL', job, unpack(ARGV, cleared_at))
end

if moved then
  local ends, revived = is_terminal(to), is_terminal(state) and not is_terminal(to)
  local end_field = to == 'completed' and 'completedAt' or 'failedAt'
  local ended = ends and (new[end_field] or rcall('HGET', job, end_field) or int(server_ms()))
  local since = merged('createdAt', created) or int(server_ms())
  local opts = (to == 'waiting' or revived) and rcall('HGET', job, 'opts')
  local priority = to == 'waiting' and priority_of(opts) or '0'
  index_add(T, to, id, merged('groupId', group), ended or due, since, priority)
  if state == 'active' then
    rcall('DEL', T .. ':lock:' .. id)
  end
  if ends and ARGV[8] == '1' then
    metric_record(T, server_ms(), merged('name', stored[9]) or '', to, merged('processedAt', stored[7]), ended)
  end
  if revived then
    dedup_retake(T, merged('deduplicationKey', stored[5]), id, opts, since, server_ms())
  end
  if owner ~= '' or sweep ~= '' or expected > 0 then
    remember(claims, ARGV[2], ARGV[3], '1')
  end
elseif to == 'delayed' and new.delayUntil then
  rcall('ZADD', T .. ':delayed', score_of(due), id)
elseif to == 'waiting' and ARGV[9] ~= '' then
  order_rescore(T, id, group, ARGV[9])
end
if is_terminal(new.state) then
  dedup_release(T, merged('deduplicationKey', stored[5]), id)
end
return 1
