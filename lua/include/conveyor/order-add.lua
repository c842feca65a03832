--- @include "conveyor/clock"
--- @include "conveyor/order-put"

-- Files a job that was just pushed to the tail of the list. The first priority other than 0 creates the index;
-- jobs that were there before are found by order_synced().
local function order_add(T, id, group, priority)
  local meta = T .. ':x:prio:meta'
  if tonumber(priority) ~= 0 or rcall('EXISTS', meta) == 1 then
    order_drop(T, id, group)
    order_put(T, id, group, priority, string.format('%016.0f', rcall('HINCRBY', meta, 'seq', 1)))
  end
end
