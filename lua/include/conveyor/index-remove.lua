--- @include "conveyor/order"

-- Takes a job out of the index of its state. LREM 0: a racing upstream writer may have pushed it twice.
-- `unlisted` says that the caller has seen to the list itself.
local function index_remove(T, state, id, group, unlisted)
  local key = T .. ':' .. state
  if (state == 'waiting' or state == 'waiting-children') and not unlisted then
    rcall('LREM', key, 0, id)
  end
  if state == 'waiting' then
    if group and group ~= '' then
      rcall('ZREM', T .. ':group:' .. group .. ':waiting', id)
    end
    order_drop(T, id, group)
  elseif state == 'active' then
    rcall('SREM', key, id)
    if group and group ~= '' then
      rcall('SREM', T .. ':group:' .. group .. ':active', id)
    end
  elseif state == 'delayed' or state == 'completed' or state == 'failed' then
    rcall('ZREM', key, id)
  end
end
