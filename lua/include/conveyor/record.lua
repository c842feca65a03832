-- Whether a text names a state of a job.
local function is_state(text)
  return text == 'waiting' or text == 'waiting-children' or text == 'delayed' or text == 'active'
    or text == 'completed' or text == 'failed'
end

-- Whether a JOB whose state is known can be decoded by every process: names there, dates finite numbers.
local function is_readable(job)
  if not (job[1] and job[2] and job[3]) then
    return false
  end
  for i = 15, 21 do
    local at = job[i] and tonumber(job[i])
    if job[i] and not (at and at == at and math.abs(at) ~= math.huge) then
      return false
    end
  end
  return true
end
