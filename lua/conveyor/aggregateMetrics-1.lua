-- Adds minute buckets to hour buckets, each completion once, and drops what is past its retention.
-- Atomic because what was added and the note that it was added must agree: every minute bucket keeps beside its
-- values ('v' .. jobName) how much of them its hour has already been given ('d' .. jobName).
--
-- KEYS[1]  T, base of the queue's keys
-- ARGV[1]  retention of minutes, in minutes   ARGV[2]  retention of hours, in hours
-- ARGV[3]  begin after this period, ms; '-inf' at first   ARGV[4]  how many buckets
-- Returns { buckets looked at, the period to go on after or nil }.
local rcall = redis.call
--- @include "conveyor/metrics"

local minutes, hours = KEYS[1] .. ':x:m:minute', KEYS[1] .. ':x:m:hour'
local now = server_ms()

local function drop_before(index, bound)
  local old = rcall('ZRANGEBYSCORE', index, '-inf', '(' .. int(bound), 'LIMIT', 0, ARGV[4])
  for i = 1, #old do
    rcall('UNLINK', index .. ':' .. old[i])
    rcall('ZREM', index, old[i])
  end
end

local function fold(period)
  local bucket, hour = minutes .. ':' .. period, int(period - period % 3600000)
  local fields, values = rcall('HGETALL', bucket), {}
  for i = 1, #fields, 2 do
    values[fields[i]] = fields[i + 1]
  end
  for field, value in pairs(values) do
    local given = 'd' .. string.sub(field, 2)
    if string.sub(field, 1, 1) == 'v' and values[given] ~= value then
      local completed, failed, total, low, high = metric_parse(value)
      local had_completed, had_failed, had_total = metric_parse(values[given])
      local sum_completed, sum_failed, sum_total, least, most = metric_parse(rcall('HGET', hours .. ':' .. hour, field))
      rcall('HSET', hours .. ':' .. hour, field, metric_format(
        sum_completed + completed - had_completed, sum_failed + failed - had_failed, sum_total + total - had_total,
        math.min(least or low, low), math.max(most or high, high)))
      rcall('HSET', bucket, given, value)
      rcall('ZADD', hours, hour, hour)
    end
  end
end

local periods = rcall('ZRANGEBYSCORE', minutes, ARGV[3], '+inf', 'LIMIT', 0, ARGV[4])
for i = 1, #periods do
  fold(periods[i])
end
local last = #periods == tonumber(ARGV[4]) and '(' .. periods[#periods]
if not last then
  drop_before(minutes, now - ARGV[1] * 60000)
  drop_before(hours, now - ARGV[2] * 3600000)
end
return { #periods, last }
