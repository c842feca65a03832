-- The lease of a step that came through the job queue: a key that runs out unless the process that executes the step
-- renews it. Field `leased` is the attempt that has one. Other packages execute steps without a lease, and of theirs
-- nobody can say whether the process is still there.

-- What an attempt ended with whose process did not live to say so.
local ABANDONED = '{"message":"The process that executed this step has ended"}'

local function lease_begin(step, lease, attempt, token, ttl)
  rcall('SET', lease, token, 'PX', ttl)
  rcall('HSET', step, 'leased', attempt)
end

local function is_abandoned(status, attempt, leased, lease)
  return status == 'running' and leased == attempt and rcall('EXISTS', lease) == 0
end

-- Whether a step that is to be scheduled is past that: it has ended, or is being executed under a lease.
local function is_taken(status, attempt, leased, lease)
  if status == 'running' then
    return leased == attempt and rcall('EXISTS', lease) == 1
  end
  return status == 'succeeded' or status == 'failed'
end

-- Gives the lock back that a claim was made under: a running step is nobody's to claim.
local function claim_done(lock, token)
  if rcall('GET', lock) == token then
    rcall('DEL', lock)
  end
end
