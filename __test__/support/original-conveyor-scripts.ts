/**
 * The original's five scripts, written anew from the step tables of section 4 of the contract.
 * They keep its faults on purpose: the tests show them here and show them absent in ferrodis.
 */

const fetchNextJob = `
local paused, waiting, active, limiter = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local worker, lockMs, now, lifo = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local onlyName, max, window = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local cap, excludedCount = tonumber(ARGV[8]), tonumber(ARGV[9])
local excluded = {}
for i = 1, excludedCount do excluded[ARGV[9 + i]] = true end
local rest = 9 + excludedCount
local jobPrefix, groupPrefix = ARGV[rest + 1], ARGV[rest + 2]
local activeSuffix, waitingSuffix = ARGV[rest + 3], ARGV[rest + 4]
local lockPrefix, depth = ARGV[rest + 5], tonumber(ARGV[rest + 6])

if redis.call('SISMEMBER', paused, '__all__') == 1 then return nil end
if max > 0 then
  redis.call('ZREMRANGEBYSCORE', limiter, '-inf', '(' .. (tonumber(now) - window))
  if redis.call('ZCARD', limiter) >= max then return nil end
end
local ids
if lifo then ids = redis.call('LRANGE', waiting, -depth, -1)
else ids = redis.call('LRANGE', waiting, 0, depth - 1) end

local chosen, group
local first, last, step = 1, #ids, 1
if lifo then first, last, step = #ids, 1, -1 end
for i = first, last, step do
  local fields = redis.call('HMGET', jobPrefix .. ids[i], 'name', 'groupId')
  local name, groupId = fields[1], fields[2]
  if not name then
    redis.call('LREM', waiting, 0, ids[i])
  else
    local eligible = (onlyName == '' or name == onlyName)
      and redis.call('SISMEMBER', paused, name) == 0
    if eligible and groupId and groupId ~= '' then
      eligible = not excluded[groupId]
        and not (cap >= 0 and redis.call('SCARD', groupPrefix .. groupId .. activeSuffix) >= cap)
    end
    if eligible then chosen, group = ids[i], groupId break end
  end
end
if not chosen then return nil end

redis.call('LREM', waiting, 0, chosen)
if group and group ~= '' then redis.call('ZREM', groupPrefix .. group .. waitingSuffix, chosen) end
redis.call('SET', lockPrefix .. chosen, worker, 'PX', lockMs)
redis.call('SADD', active, chosen)
redis.call('HSET', jobPrefix .. chosen, 'state', 'active', 'lockedBy', worker,
  'lockUntil', tonumber(now) + tonumber(lockMs), 'processedAt', now)
if group and group ~= '' then redis.call('SADD', groupPrefix .. group .. activeSuffix, chosen) end
if max > 0 then redis.call('ZADD', limiter, now, now .. ':' .. chosen) end
return redis.call('HGETALL', jobPrefix .. chosen)
`;

const extendLock = `
if redis.call('HGET', KEYS[1], 'state') ~= 'active' then return 0 end
redis.call('HSET', KEYS[1], 'lockUntil', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`;

const releaseLock = `
redis.call('HDEL', KEYS[1], 'lockUntil', 'lockedBy')
redis.call('DEL', KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
return 1
`;

const promoteDelayed = `
local bound, jobPrefix, groupPrefix, waitingSuffix, now = unpack(ARGV)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', bound)
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('RPUSH', KEYS[2], id)
  local groupId = redis.call('HGET', jobPrefix .. id, 'groupId')
  redis.call('HSET', jobPrefix .. id, 'state', 'waiting')
  redis.call('HDEL', jobPrefix .. id, 'delayUntil')
  if groupId and groupId ~= '' then
    redis.call('ZADD', groupPrefix .. groupId .. waitingSuffix, now, id)
  end
end
return #ids
`;

const notifyChildCompleted = `
local id, groupPrefix, waitingSuffix, now = unpack(ARGV)
if redis.call('EXISTS', KEYS[1]) == 0 then return 'completed' end
local left = tonumber(redis.call('HGET', KEYS[1], 'pendingChildrenCount') or '0') - 1
if left > 0 then
  redis.call('HSET', KEYS[1], 'pendingChildrenCount', left)
  return redis.call('HGET', KEYS[1], 'state') or 'waiting-children'
end
redis.call('HSET', KEYS[1], 'pendingChildrenCount', 0, 'state', 'waiting')
redis.call('LREM', KEYS[2], 0, id)
redis.call('RPUSH', KEYS[3], id)
local groupId = redis.call('HGET', KEYS[1], 'groupId')
if groupId and groupId ~= '' then
  redis.call('ZADD', groupPrefix .. groupId .. waitingSuffix, now, id)
end
return 'waiting'
`;

export const SCRIPTS = {
  extendLock,
  releaseLock,
  promoteDelayed,
  fetchNextJob,
  notifyChildCompleted,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
