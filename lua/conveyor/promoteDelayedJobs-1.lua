-- Moves due jobs from delayed to the tail of waiting, the earliest first.
-- Atomic because a job must be in exactly one of the two. Bounded: the caller repeats it while jobs are left.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]  latest due time to promote, ms or '+inf'
-- ARGV[5]  most ids to move
-- Returns { jobs promoted, due ids left }. Ids without a delayed job behind them are dropped and not counted.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/claims"
--- @include "conveyor/priority"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"

local T, bound = KEYS[1], ARGV[4]
local delayed, claims = T .. ':delayed', T .. ':x:claims:' .. ARGV[1]
local ids = rcall('ZRANGEBYSCORE', delayed, '-inf', bound, 'LIMIT', 0, ARGV[5])
local before = recall(claims, ARGV[2], ARGV[3])
if before or #ids == 0 then
  return { tonumber(before) or 0, rcall('ZCOUNT', delayed, '-inf', bound) }
end

local now, promoted = int(server_ms()), 0
for i = 1, #ids do
  local id = ids[i]
  local job = T .. ':job:' .. id
  local stored = redis.pcall('HMGET', job, 'state', 'groupId', 'opts')
  index_check(T, 'waiting', stored[2])
  rcall('ZREM', delayed, id)
  if stored[1] == 'delayed' then
    index_add(T, 'waiting', id, stored[2], nil, now, priority_of(stored[3]))
    rcall('HSET', job, 'state', 'waiting')
    rcall('HDEL', job, 'delayUntil')
    promoted = promoted + 1
  end
end
remember(claims, ARGV[2], ARGV[3], int(promoted))
return { promoted, rcall('ZCOUNT', delayed, '-inf', bound) }
