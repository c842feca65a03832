-- The priority in a job's options text, for jobs that come back to waiting without the caller naming it.
-- Only options that mention a priority are decoded; they are small and never the user's payload.
local function priority_of(opts)
  if opts and string.find(opts, '"priority"', 1, true) then
    local ok, decoded = pcall(cjson.decode, opts)
    local priority = ok and type(decoded) == 'table' and decoded.priority
    if type(priority) == 'number' and priority == priority and math.abs(priority) ~= math.huge then
      return string.format('%.17g', priority)
    end
  end
  return '0'
end
