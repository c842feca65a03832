-- Reserves the deduplication key of a job that comes back from a terminal state, for what is left of its time.
-- Not taken from another job that has reserved it since.
local function dedup_retake(T, key, id, opts, created, now)
  if not key or key == '' then
    return
  end
  local ok, decoded = pcall(cjson.decode, opts or '')
  local rule = ok and type(decoded) == 'table' and decoded.deduplication
  local ttl = type(rule) == 'table' and tonumber(rule.ttl) or 0
  local pointer, left = T .. ':dedup:' .. key, math.ceil(ttl - math.max(0, now - (tonumber(created) or now)))
  if ttl <= 0 then
    rcall('SET', pointer, id, 'NX')
  elseif left > 0 then
    rcall('SET', pointer, id, 'NX', 'PX', string.format('%.0f', left))
  end
end
