--- @include "conveyor/order"

-- Gives a group its place among the groups in turn, unless it has one.
local function order_queue_up(T, tag)
  if not rcall('ZSCORE', T .. ':x:gcur', tag) then
    rcall('ZADD', T .. ':x:gcur', rcall('ZSCORE', T .. ':x:gcur:served', tag) or 0, tag)
  end
end

local function order_put(T, id, group, priority, sequence)
  local tag, member = order_tag(group), sequence .. '!' .. id
  rcall('HSET', T .. ':x:prio:ids', id, member)
  rcall('ZADD', T .. ':x:prio', priority, member)
  rcall('ZADD', T .. ':x:prio:' .. tag, priority, member)
  order_queue_up(T, tag)
end
