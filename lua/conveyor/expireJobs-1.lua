-- Removes finished jobs whose own options give them an age (removeOnComplete, removeOnFail as a number of ms) that
-- they have reached. First notes those that have finished since the last look, whoever finished them.
-- Atomic because a job may be retried between the look and the removal.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  P, the key prefix   ARGV[2]  queue name   ARGV[3]  state, completed or failed
-- ARGV[4]  most ids to note, and to remove
-- ARGV[5]  where to go on: '' at first, then what the last call returned
-- Returns { jobs removed, 1 when there is more to do, where to go on }.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/remove"

local T, prefix, queue, state, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local option = state == 'completed' and 'removeOnComplete' or 'removeOnFail'
local index, due, seen = T .. ':' .. state, T .. ':x:expire:' .. state, T .. ':x:expire:seen'
local from, offset = string.match(ARGV[5], '^(%S+) (%d+)$')
if not from then
  -- Finishing times come from many clocks: a second of overlap catches those that are a little behind.
  local last = tonumber(rcall('HGET', seen, state) or '')
  from, offset = last and int(last - 1000) or '-inf', 0
end

local function age_of(id)
  local opts = redis.pcall('HGET', T .. ':job:' .. id, 'opts')
  if type(opts) == 'string' and string.find(opts, '"' .. option .. '"', 1, true) then
    local ok, decoded = pcall(cjson.decode, opts)
    local age = ok and type(decoded) == 'table' and decoded[option]
    return type(age) == 'number' and age >= 0 and age
  end
end

local ended = rcall('ZRANGEBYSCORE', index, from, '+inf', 'WITHSCORES', 'LIMIT', offset, count)
for i = 1, #ended, 2 do
  local age = age_of(ended[i])
  if age then
    rcall('ZADD', due, string.format('%.0f', ended[i + 1] + age), ended[i])
  end
end
if #ended > 0 then
  rcall('HSET', seen, state, ended[#ended])
end

local ids, removed = rcall('ZRANGEBYSCORE', due, '-inf', int(server_ms()), 'LIMIT', 0, count), 0
for i = 1, #ids do
  local id = ids[i]
  local job = redis.pcall('HMGET', T .. ':job:' .. id, 'state', 'groupId', 'deduplicationKey', 'parentId',
    'parentQueueName')
  -- One that was retried is noted again when it ends again.
  if job[1] == state then
    remove_job(T, prefix, queue, id, job)
    removed = removed + 1
  end
  rcall('ZREM', due, id)
end
local more = (#ended == 2 * count or #ids == count) and 1 or 0
return { removed, more, from .. ' ' .. int(math.max(0, offset + #ended / 2 - removed)) }
