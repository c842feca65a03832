-- Saves one job: reservation of its deduplication key, hash, index, registry and flow link.
-- Atomic because a crash between them would leave a key reserved for nothing, or a job that no index names.
--
-- KEYS[1]  T, base of the queue's keys
-- KEYS[2]  P:queues, registry of queue names
-- ARGV[1]  instance   ARGV[2]  slot   ARGV[3]  call token
-- ARGV[4]… the job, as save_job() lays it out
-- Returns the id of the job: its own, or that of the live owner of its deduplication key.
local rcall = redis.call
--- @include "conveyor/claims"
--- @include "conveyor/save"

local claims = KEYS[1] .. ':x:claims:' .. ARGV[1]
local saved = recall(claims, ARGV[2], ARGV[3])
if saved then
  return saved
end
local id = save_job(KEYS[2], 4)
remember(claims, ARGV[2], ARGV[3], id)
return id
