--- @include "conveyor/order-add"

-- Gives a waiting job another priority; among its new equals it keeps the place of its insertion.
local function order_rescore(T, id, group, priority)
  local member = rcall('HGET', T .. ':x:prio:ids', id)
  if member then
    rcall('ZADD', T .. ':x:prio', priority, member)
    rcall('ZADD', T .. ':x:prio:' .. order_tag(group), priority, member)
  elseif tonumber(priority) ~= 0 then
    rcall('HSETNX', T .. ':x:prio:meta', 'seq', 0)
  end
end
