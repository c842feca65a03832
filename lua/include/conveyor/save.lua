--- @include "conveyor/clock"
--- @include "conveyor/terminal"
--- @include "conveyor/index-add"
--- @include "conveyor/index-check"
--- @include "conveyor/index-remove"

-- The live owner of a deduplication key, if there is one. A pointer to a job that is gone or finished is free.
local function dedup_owner(T, pointer)
  local owner = rcall('GET', pointer)
  if owner then
    local state = rcall('HGET', T .. ':job:' .. owner, 'state')
    return state and not is_terminal(state) and owner
  end
end

-- Queues that this script has found, or made, registered.
local registered = {}

-- Saves the job that ARGV holds from `at` on, and returns its id and where the next one begins. The registry is KEYS[1]
-- itself where it lies out of reach, in another slot of a cluster: the caller has written it then.
-- Layout: T, queue, dedup ms ('' = for ever, '0' = no pointer), priority, id, state, score ('' = none, or now), groupId,
-- createdAt, deduplicationKey, the parent's children key ('' = none), n, then n strings: field, value, …
-- A job with this id that is alive, or was saved by this very call before, is left alone; a finished one is replaced.
local function save_job(registry, at)
  local T, queue, dedup_ms, priority, id, state, score, group, created, dedup_key, flow, count =
    unpack(ARGV, at, at + 11)
  local first, next_at = at + 12, at + 12 + count
  local job, pointer = T .. ':job:' .. id, dedup_key ~= '' and T .. ':dedup:' .. dedup_key
  local owner = pointer and dedup_owner(T, pointer)
  if owner then
    return owner, next_at
  end
  local old = rcall('EXISTS', job) == 1 and rcall('HMGET', job, 'state', 'createdAt', 'groupId')
  if old and old[1] and (old[2] == created or not is_terminal(old[1])) then
    return id, next_at
  end
  local known = registered[queue] or registry == KEYS[1] or rcall('SISMEMBER', registry, queue) == 1
  local linked = flow == '' or rcall('SISMEMBER', flow, queue .. '\0' .. id) == 1
  if old or group ~= '' then
    index_check(T, state, group)
  end

  if old then
    index_remove(T, old[1] or '', id, old[3])
    rcall('DEL', job, T .. ':lock:' .. id)
  end
  -- The index before the hash: where nothing was checked above, it is the one write that can fail.
  if score == '' and is_terminal(state) then
    score = int(server_ms())
  end
  index_add(T, state, id, group, score, created, priority)
  rcall('HSET', job, unpack(ARGV, first, next_at - 1))
  if not known then
    rcall('SADD', registry, queue)
  end
  registered[queue] = true
  if not linked then
    rcall('SADD', flow, queue .. '\0' .. id)
  end
  if pointer and dedup_ms == '' then
    rcall('SET', pointer, id)
  elseif pointer and dedup_ms ~= '0' then
    rcall('SET', pointer, id, 'PX', dedup_ms)
  end
  return id, next_at
end
