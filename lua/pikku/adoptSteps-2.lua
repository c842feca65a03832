-- Enters steps into the index of a run that others began, and with the last of them says that the index is complete.
-- Atomic because nothing must be made of a run that is gone.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:steps:R
-- ARGV[1]  '1' = these are the last   ARGV[2]… score, name, …
-- Returns 1 done · 0 no such run.
local rcall = redis.call

if rcall('HEXISTS', KEYS[1], 'id') == 0 then
  return 0
end
if #ARGV > 1 then
  rcall('ZADD', KEYS[2], 'NX', unpack(ARGV, 2))
end
if ARGV[1] == '1' then
  rcall('HSET', KEYS[1], 'stepIndex', '1')
end
return 1
