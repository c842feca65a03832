-- Numbers and time. Lua's tostring() keeps only 14 digits, so every number is written through int().

local function int(n)
  return string.format('%.0f', n)
end

-- Server time in whole milliseconds: the clock of every lease, stall and limiter decision.
local function server_ms()
  local time = rcall('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
