-- Side keys, which only we use: P:steps:R finds the steps of a run, P:active-runs has the running runs by their last
-- change, P:pending-steps the steps that wait for their dispatch. `status` is nil when it did not change.
local function note_step(steps, active, pending, run, name, id, status, now)
  rcall('ZADD', steps, 'NX', now, name)
  rcall('ZADD', active, 'XX', now, run)
  if status == 'pending' then
    rcall('ZADD', pending, now, id)
  elseif status then
    rcall('ZREM', pending, id)
  end
end
