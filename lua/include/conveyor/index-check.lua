-- Reads the indexes of a state, so that one of a wrong type fails the script before its first write.
local function index_check(T, state, group)
  local key, grouped = T .. ':' .. state, group and group ~= ''
  if state == 'waiting' then
    rcall('LLEN', key)
    if grouped then
      rcall('ZCARD', T .. ':group:' .. group .. ':waiting')
    end
  elseif state == 'waiting-children' then
    rcall('LLEN', key)
  elseif state == 'active' then
    rcall('SCARD', key)
    if grouped then
      rcall('SCARD', T .. ':group:' .. group .. ':active')
    end
  elseif state == 'delayed' or state == 'completed' or state == 'failed' then
    rcall('ZCARD', key)
  end
end
