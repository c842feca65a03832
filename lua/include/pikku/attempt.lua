-- The history of a step: a sorted set with one member for each attempt, JSON under the attempt's number as its score.
-- Its payloads are JSON texts inside the JSON. Nothing is decoded: within a JSON string every quote has a backslash
-- before it, so `"createdAt":` can only be a member of the object itself.

local function attempt_number(text)
  return string.format('%.0f', tonumber(text) or 1)
end

-- The members of one attempt. More than one, or none, is what a process without scripts can leave behind.
local function attempt_members(history, attempt)
  return rcall('ZRANGEBYSCORE', history, attempt, attempt)
end

-- The time stamps of an attempt by name: of each the first.
local function attempt_stamps(members)
  local stamps = {}
  for _, member in ipairs(members) do
    for name, at in string.gmatch(member, '"(%a+At)":(%d+)') do
      stamps[name] = stamps[name] or at
    end
  end
  return stamps
end

-- Writes the attempt anew: `members` as they were, the new status, its time stamp if it has one, and its payload if it
-- has one. Stamps of earlier states stay. `retries` and `delay` are those of the step's hash.
local function attempt_put(history, members, step, status, now, stamp, field, payload)
  local json = {
    '{"stepId":', cjson.encode(step.id), ',"stepName":', cjson.encode(step.name), ',"attemptCount":', step.attempt,
    ',"status":"', status, '"',
  }
  local function add(name, value)
    json[#json + 1] = ',"' .. name .. '":' .. value
  end
  if payload and payload ~= '' then
    add(field, cjson.encode(payload))
  end
  if step.retries and string.find(step.retries, '^%-?%d+%.?%d*$') then
    add('retries', step.retries)
  end
  if step.delay then
    add('retryDelay', cjson.encode(step.delay))
  end
  local stamps = attempt_stamps(members)
  add('createdAt', stamps.createdAt or now)
  for _, name in ipairs({ 'runningAt', 'scheduledAt', 'succeededAt', 'failedAt' }) do
    if name ~= stamp and stamps[name] then
      add(name, stamps[name])
    end
  end
  if stamp and stamp ~= '' then
    add(stamp, now)
  end
  if #members > 0 then
    rcall('ZREMRANGEBYSCORE', history, step.attempt, step.attempt)
  end
  rcall('ZADD', history, step.attempt, table.concat(json) .. '}')
end
