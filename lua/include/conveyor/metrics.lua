--- @include "conveyor/clock"

-- Metric buckets are hashes T:x:m:<granularity>:<periodMs>; T:x:m:<granularity> is the zset of their periods.
-- Field 'v' .. jobName holds 'completed failed totalMs minMs maxMs', with '-' for no minimum or maximum.

local function metric_parse(value)
  local completed, failed, total, low, high = string.match(value or '0 0 0 - -', '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return tonumber(completed), tonumber(failed), tonumber(total), tonumber(low), tonumber(high)
end

local function metric_format(completed, failed, total, low, high)
  local sums = int(completed) .. ' ' .. int(failed) .. ' ' .. int(total)
  return sums .. ' ' .. (low and int(low) or '-') .. ' ' .. (high and int(high) or '-')
end
