--- @include "conveyor/clock"
--- @include "conveyor/order-put"

-- The queue that this script has found to be without an index, so that a thousand jobs ask once.
local plain

-- Files a job that was just pushed to the tail of the list. The first priority other than 0 creates the index;
-- jobs that were there before are found by order_synced().
local function order_add(T, id, group, priority)
  local zero, meta = tonumber(priority) == 0, T .. ':x:prio:meta'
  if zero and plain == T then
    return
  end
  plain = zero and rcall('EXISTS', meta) == 0 and T or nil
  if not plain then
    order_drop(T, id, group)
    order_put(T, id, group, priority, string.format('%016.0f', rcall('HINCRBY', meta, 'seq', 1)))
  end
end
