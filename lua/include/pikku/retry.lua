--- @include "pikku/attempt"
--- @include "pikku/note"
--- @include "pikku/lease"

-- Begins the next attempt of a step: result and error of the last one stay in the hash until its next change, and the
-- history gets a new entry. `keys` are those of the scripts that move steps, `stored` is
-- attemptCount, retries, retryDelay, and `was` the status. `token` marks the call that did it. Returns the attempt's number.
local function begin_attempt(keys, run, name, id, stored, was, status, now, token)
  local attempt = string.format('%.0f', (tonumber(stored[1]) or 1) + 1)
  local members = attempt_members(keys[2], attempt)
  if was == 'running' then
    local last = attempt_number(stored[1])
    local ended = { id = id, name = name, attempt = last, retries = stored[2], delay = stored[3] }
    attempt_put(keys[2], attempt_members(keys[2], last), ended, 'failed', now, 'failedAt', 'error', ABANDONED)
  end
  note_step(keys[3], keys[4], keys[5], run, name, id, status, now)
  rcall('HSET', keys[1], 'attemptCount', attempt, 'status', status, 'updatedAt', now, 'callToken', token)
  local step = { id = id, name = name, attempt = attempt, retries = stored[2], delay = stored[3] }
  attempt_put(keys[2], members, step, status, now, status == 'running' and 'runningAt')
  return attempt
end
