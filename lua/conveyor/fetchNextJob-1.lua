-- Leases the next eligible job.
-- Atomic because eligibility, the group's slot, the limiter and the move to `active` must agree.
-- It looks at no more than ARGV[9] jobs; when it found none among them it says where to go on.
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]  worker id  ARGV[5]  lock duration, whole ms
-- ARGV[6]  '1' = last in, first out
-- ARGV[7]  job name to look for, '' = any
-- ARGV[8]  limiter '<max> <window ms>', '' = off
-- ARGV[9]  how many jobs to look at
-- ARGV[10] where to go on: '' at first, then what the last call returned
-- ARGV[11] most active jobs of one group, '' = no cap
-- ARGV[12]… groups to leave out
-- Returns { JOB or nil, ids put into quarantine, where to go on or nil }.
local rcall = redis.call
--- @include "conveyor/clock"
--- @include "conveyor/claims"
--- @include "conveyor/record"
--- @include "conveyor/order"
--- @include "conveyor/order-retire"
--- @include "conveyor/order-sync"

local T, worker, lock_ms, lifo, wanted = KEYS[1], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local budget, cap = tonumber(ARGV[9]), tonumber(ARGV[11])
local list, active, group_keys, order = T .. ':waiting', T .. ':active', T .. ':group:', T .. ':x:prio'
local claims = T .. ':x:claims:' .. ARGV[1]
local in_turn = cap ~= nil or #ARGV > 11
local quarantined = {}

local function read_job(id)
  return rcall('HMGET', T .. ':job:' .. id, 'id', 'queueName', 'name', 'state', 'attemptsMade', 'progress',
    'pendingChildrenCount', 'failedReason', 'deduplicationKey', 'lockedBy', 'parentId', 'parentQueueName', 'groupId',
    'discarded', 'createdAt', 'processedAt', 'completedAt', 'failedAt', 'delayUntil', 'lockUntil', 'cancelledAt',
    'data', 'returnvalue', 'opts', 'logs', 'stacktrace', 'attemptLogs', 'childrenIds')
end

local leased = recall(claims, ARGV[2], ARGV[3])
if leased then
  local at, id = string.match(leased, '^(%d+) (.*)$')
  local job = read_job(id)
  local held = job[4] == 'active' and job[10] == worker and job[16] == at
  return { held and job or false, {} }
end
if not (lock_ms and lock_ms >= 1) then
  return redis.error_reply('ERR the lock duration must be positive')
end

local now = server_ms()
local pauses = rcall('SCARD', T .. ':paused') > 0
if pauses and rcall('SISMEMBER', T .. ':paused', '__all__') == 1 then
  return { false, {} }
end
local limiter, window_ms = string.match(ARGV[8], '^(%d+) (%d+)$')
if limiter then
  window_ms = tonumber(window_ms)
  rcall('ZREMRANGEBYSCORE', T .. ':rl', '-inf', '(' .. int(now - window_ms))
  if rcall('ZCARD', T .. ':rl') >= tonumber(limiter) then
    return { false, {} }
  end
end
local excluded = {}
for i = 12, #ARGV do
  excluded[ARGV[i]] = true
end

local function group_is_full(group)
  return excluded[group] or cap and rcall('SCARD', group_keys .. group .. ':active') >= cap
end

-- Takes the first occurrence, seen from the end that is served, off the list.
local function unlist(id, group)
  order_drop(T, id, group)
  return rcall('LREM', list, lifo and -1 or 1, id)
end

-- Takes an id off the list that cannot be leased: the hash is gone, or not waiting because it is a leftover that was
-- leased before. One that nobody can decode is set aside.
local function discard(id, group, corrupt)
  unlist(id, group)
  if group and group ~= '' then
    redis.pcall('ZREM', group_keys .. group .. ':waiting', id)
  end
  if corrupt then
    rcall('ZADD', T .. ':x:quarantine', int(now), id)
    rcall('ZREMRANGEBYRANK', T .. ':x:quarantine', 0, -10001)
    quarantined[#quarantined + 1] = id
  end
end

-- An eligible job; else nil, and true when its id was discarded.
local function examine(id)
  local brief = redis.pcall('HMGET', T .. ':job:' .. id, 'state', 'name', 'groupId')
  local state, name, group = brief[1], brief[2], brief[3]
  if state ~= 'waiting' then
    discard(id, group, brief.err or not is_state(state) and rcall('EXISTS', T .. ':job:' .. id) == 1)
    return nil, true
  end
  if wanted ~= '' and name ~= wanted
    or pauses and name and rcall('SISMEMBER', T .. ':paused', name) == 1
    or group and group ~= '' and group_is_full(group) then
    return nil, false
  end
  local job = read_job(id)
  if not is_readable(job) then
    discard(id, group, true)
    return nil, true
  end
  return job
end

-- Moves the job to `active`; nil when it was not on the list. What is written to is read first, so that a key of
-- a wrong type fails the call while it has written nothing; the lock comes before the list is touched.
local function lease(id, job, at_end)
  local group, lock = job[13], T .. ':lock:' .. id
  local grouped = group and group ~= ''
  rcall('SCARD', active)
  if grouped then
    rcall('ZCARD', group_keys .. group .. ':waiting')
    rcall('SCARD', group_keys .. group .. ':active')
  end
  rcall('SET', lock, worker, 'PX', ARGV[5])
  if at_end then
    rcall(lifo and 'RPOP' or 'LPOP', list)
  elseif unlist(id, group) == 0 then
    rcall('DEL', lock)
    return nil
  end
  rcall('SADD', active, id)
  if grouped then
    rcall('ZREM', group_keys .. group .. ':waiting', id)
    rcall('SADD', group_keys .. group .. ':active', id)
  end
  job[4], job[10], job[16], job[20] = 'active', worker, int(now), int(now + lock_ms)
  rcall('HSET', T .. ':job:' .. id, 'state', 'active', 'lockedBy', worker, 'lockUntil', job[20], 'processedAt', job[16])
  if limiter then
    rcall('ZADD', T .. ':rl', job[16], job[16] .. ':' .. id)
    rcall('PEXPIRE', T .. ':rl', math.max(rcall('PTTL', T .. ':rl'), window_ms))
  end
  remember(claims, ARGV[2], ARGV[3], job[16] .. ' ' .. id)
  return job
end

-- The plain path: straight along the list, in windows that grow because the first job nearly always fits.
local function from_list(skipped)
  local window = 1
  while budget > 0 do
    window = math.min(window, budget)
    local from = lifo and -(skipped + window) or skipped
    local ids = rcall('LRANGE', list, from, from + window - 1)
    local removed = 0
    for i = 1, #ids do
      local id = ids[lifo and #ids + 1 - i or i]
      local job, gone = examine(id)
      if job then
        return lease(id, job, skipped == 0 and i == removed + 1)
      elseif gone then
        removed = removed + 1
      end
    end
    if #ids < window then
      return nil
    end
    budget = budget - window
    skipped = skipped + #ids - removed
    window = window * 16
  end
  return nil, int(skipped)
end

-- `count` members of one zset of the order index after the first `skipped`: by priority, then in order of
-- insertion, which lifo reverses.
local function members(key, skipped, count)
  if not lifo then
    return rcall('ZRANGE', key, skipped, skipped + count - 1)
  end
  local found, above = {}, '-inf'
  while #found < count do
    local best = rcall('ZRANGEBYSCORE', key, above, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    local priority = best[2]
    if not priority then
      break
    end
    local size = rcall('ZCOUNT', key, priority, priority)
    if skipped < size then
      local same = rcall('ZREVRANGEBYSCORE', key, priority, priority, 'LIMIT', skipped, count - #found)
      for i = 1, #same do
        found[#found + 1] = same[i]
      end
    end
    skipped = math.max(0, skipped - size)
    above = '(' .. priority
  end
  return found
end

-- Leases the job of one member. Else nil, and true when the member was stale and is gone from the zset.
local function from_member(key, member)
  local id = string.match(member, '!(.*)$')
  local job, stale
  if rcall('HGET', order .. ':ids', id) == member then
    job, stale = examine(id)
  else
    stale = true
  end
  if job and in_turn and order .. ':' .. order_tag(job[13]) ~= key then
    order_put(T, id, job[13], rcall('ZSCORE', order, member), string.match(member, '^([^!]*)!'))
    stale = true
  elseif job then
    job = lease(id, job)
    if job then
      return job
    end
    stale = true
  end
  if stale then
    rcall('ZREM', key, member)
  end
  return nil, stale
end

-- The first eligible job of one zset of the order index; else nil, and where to go on when the budget ran out.
local function from_order(key, skipped)
  local window = 1
  while budget > 0 do
    window = math.min(window, budget)
    local found = members(key, skipped, window)
    for i = 1, #found do
      local job, stale = from_member(key, found[i])
      if job then
        return job
      elseif not stale then
        skipped = skipped + 1
      end
    end
    if #found < window then
      return nil
    end
    budget = budget - window
    window = window * 16
  end
  return nil, skipped
end

-- Notes that a group was served, so that it comes last in the next round.
local function served(tag)
  local turn = int(rcall('HINCRBY', order .. ':meta', 'turn', 1))
  rcall('ZADD', T .. ':x:gcur:served', turn, tag)
  rcall('ZADD', T .. ':x:gcur', turn, tag)
  rcall('ZREMRANGEBYRANK', T .. ':x:gcur:served', 0, -10001)
end

-- Groups in turn: the least recently served one that has a slot and an eligible job.
-- The place to go on is '<groups passed> <jobs passed in the next one>'.
local function from_groups(place)
  local passed, skipped = string.match(place, '^(%d+) (%d+)$')
  passed, skipped = tonumber(passed) or 0, tonumber(skipped) or 0
  while budget > 0 do
    local tags = rcall('ZRANGE', T .. ':x:gcur', passed, passed + 99)
    for i = 1, #tags do
      local tag = tags[i]
      local key = order .. ':' .. tag
      budget = budget - 1
      if rcall('ZCARD', key) == 0 then
        rcall('ZREM', T .. ':x:gcur', tag)
      elseif tag ~= 'u' and group_is_full(string.sub(tag, 3)) then
        passed, skipped = passed + 1, 0
      else
        local job, rest = from_order(key, skipped)
        if job then
          served(tag)
          return job
        elseif rest then
          return nil, int(passed) .. ' ' .. int(rest)
        end
        passed, skipped = passed + 1, 0
      end
      if budget <= 0 then
        return nil, int(passed) .. ' 0'
      end
    end
    if #tags < 100 then
      return nil
    end
  end
  return nil, int(passed) .. ' ' .. int(skipped)
end

-- Through the order index, once it is known to cover the list. It is looked at again after a search without
-- success: dropping stale members may have uncovered ids that upstream pushed.
local function from_index(place)
  if not order_synced(T, budget) then
    return nil, '0'
  end
  local job, go_on
  if in_turn then
    job, go_on = from_groups(place)
  else
    job, go_on = from_order(order, tonumber(place) or 0)
    go_on = go_on and int(go_on)
  end
  if not (job or go_on) then
    local known = rcall('ZCARD', order)
    if not order_synced(T, 100) or rcall('ZCARD', order) > known then
      go_on = '0'
    end
  end
  return job, go_on
end

local job, go_on
if not in_turn and rcall('EXISTS', order .. ':meta') == 0 then
  job, go_on = from_list(tonumber(ARGV[10]) or 0)
elseif rcall('LLEN', list) > 0 then
  job, go_on = from_index(ARGV[10])
elseif not in_turn then
  order_retire(T)
end
return { job or false, quarantined, go_on }
