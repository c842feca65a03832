-- Saves up to 500 jobs, of one queue or of several.
-- Atomic because the children of a flow may not be leased before their parent is there to count them.
--
-- KEYS[1]  T, base of the keys of the first job's queue
-- KEYS[2]  P:queues, registry of queue names
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]… the jobs, as save_job() lays them out
-- Returns the ids in the order of the jobs.
local rcall = redis.call
--- @include "conveyor/claims"
--- @include "conveyor/save"

local claims = KEYS[1] .. ':x:claims:' .. ARGV[1]
local saved = recall(claims, ARGV[2], ARGV[3])
if saved then
  return cjson.decode(saved)
end
local ids, at = {}, 4
while at <= #ARGV do
  ids[#ids + 1], at = save_job(KEYS[2], at)
end
remember(claims, ARGV[2], ARGV[3], cjson.encode(ids))
return ids
