--- @include "conveyor/metrics"

-- Counts one ended job in the minute buckets of its name and of all names. A queue keeps at most a week of minutes
-- even when nobody calls aggregateMetrics.
local function metric_record(T, now, name, state, started, ended)
  local period = int(now - now % 60000)
  local bucket = T .. ':x:m:minute:' .. period
  local took = started and tonumber(ended) and tonumber(started) and tonumber(ended) - tonumber(started) or 0
  local fields = { 'v__all__', 'v' .. name }
  local held = redis.pcall('HMGET', bucket, unpack(fields))
  if held.err then
    return
  end
  for i = 1, 2 do
    local completed, failed, total, low, high = metric_parse(held[i])
    rcall('HSET', bucket, fields[i], metric_format(
      completed + (state == 'completed' and 1 or 0), failed + (state == 'failed' and 1 or 0), total + took,
      math.min(low or took, took), math.max(high or took, took)))
  end
  if not held[1] then
    local periods = T .. ':x:m:minute'
    rcall('ZADD', periods, period, period)
    if rcall('ZCARD', periods) > 10080 then
      local oldest = rcall('ZRANGE', periods, 0, 0)[1]
      rcall('UNLINK', periods .. ':' .. oldest)
      rcall('ZREM', periods, oldest)
    end
  end
end
