-- What the list of queues needs to know of one window of an index: nothing but dates and options is read.
-- Atomic because it reads; a script because 500 hashes are asked for two numbers.
--
-- KEYS[1]  index of the queue
-- ARGV[1]  T, base of the queue's keys
-- ARGV[2]  how to read the index: 'list', 'zset', or 'set'
-- ARGV[3]  where to begin: an offset, or for a set a cursor   ARGV[4]  how many
-- Returns { latest of completedAt, failedAt, processedAt or createdAt in ms, or nil without a job,
-- jobs that repeat, cursor of the next window of a set }.
local rcall = redis.call

local ids, cursor
if ARGV[2] == 'set' then
  local page = rcall('SSCAN', KEYS[1], ARGV[3], 'COUNT', ARGV[4])
  cursor, ids = page[1], page[2]
else
  ids = rcall(ARGV[2] == 'list' and 'LRANGE' or 'ZRANGE', KEYS[1], ARGV[3], ARGV[3] + ARGV[4] - 1)
end

local function repeats(opts)
  if not (opts and string.find(opts, '"repeat"', 1, true)) then
    return false
  end
  local ok, decoded = pcall(cjson.decode, opts)
  local rule = ok and type(decoded) == 'table' and decoded['repeat']
  return rule and rule ~= cjson.null and rule ~= 0 and rule ~= ''
end

local latest, scheduled = nil, 0
for i = 1, #ids do
  local job = redis.pcall('HMGET', ARGV[1] .. ':job:' .. ids[i], 'completedAt', 'failedAt', 'processedAt', 'createdAt',
    'opts', 'id')
  if job[6] then
    local at = tonumber(job[1] or job[2] or job[3] or job[4] or 0)
    if at and at == at then
      latest = math.max(latest or at, at)
    end
    if repeats(job[5]) then
      scheduled = scheduled + 1
    end
  end
end
return { latest and string.format('%.0f', latest) or false, scheduled, cursor }
