-- Whether the first 21 fields of a job hash, in the order of JOB, can be decoded by every process.
local function is_readable(head)
  local states = { waiting = 1, ['waiting-children'] = 1, delayed = 1, active = 1, completed = 1, failed = 1 }
  if not (head[1] and head[2] and head[3] and head[4] and states[head[4]]) then
    return false
  end
  for i = 15, 21 do
    local at = head[i] and tonumber(head[i])
    if head[i] and not (at and at == at and math.abs(at) ~= math.huge) then
      return false
    end
  end
  return true
end
