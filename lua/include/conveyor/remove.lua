--- @include "conveyor/dedup"
--- @include "conveyor/index-remove"

-- Deletes a job whose state, groupId, deduplicationKey, parentId and parentQueueName were just read into `job`.
-- The parent's set may be in another queue, hence under another hash tag.
local function remove_job(T, prefix, queue, id, job, unlisted)
  index_remove(T, job[1], id, job[2], unlisted)
  rcall('DEL', T .. ':job:' .. id, T .. ':lock:' .. id)
  dedup_release(T, job[3], id)
  local parent, parent_queue = job[4], job[5]
  if parent and parent ~= '' and parent_queue and parent_queue ~= '' then
    rcall('SREM', '{' .. prefix .. ':' .. parent_queue .. '}:flow:' .. parent .. ':children', queue .. '\0' .. id)
  end
end
