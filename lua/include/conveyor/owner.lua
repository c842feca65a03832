-- Whether a job, given as { state, lockedBy, processedAt }, is active and leased as the caller believes.
-- An empty worker id means that the caller knows of no lease: any lease will do, as upstream has it.
local function is_owner(job, worker, leased_at)
  return job[1] == 'active' and (worker == '' or job[2] == worker and job[3] == leased_at)
end
