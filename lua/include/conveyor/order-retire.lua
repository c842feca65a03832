-- Deletes the order index of a queue without waiting jobs, so that it is back on the plain path until the next
-- priority. A hundred groups a call: what is left keeps the index alive until the next one.
local function order_retire(T)
  local tags = rcall('ZRANGE', T .. ':x:gcur', 0, 99)
  for i = 1, #tags do
    rcall('DEL', T .. ':x:prio:' .. tags[i])
    rcall('ZREM', T .. ':x:gcur', tags[i])
  end
  if #tags < 100 then
    rcall('UNLINK', T .. ':x:prio', T .. ':x:prio:ids', T .. ':x:prio:meta', T .. ':x:gcur:served')
  end
end
