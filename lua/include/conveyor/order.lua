-- The order index: an ordered shadow of the waiting list. It exists only while a queue uses priorities or
-- takes groups in turn; T:x:prio:meta marks it. Everything in it can be rebuilt from the list and the hashes.
--   T:x:prio        zset of all members, scored by priority
--   T:x:prio:<tag>  the same per group; the tag is 'g:' .. groupId, or 'u' for jobs without a group
--   T:x:prio:ids    hash, job id -> member
--   T:x:gcur        zset of the tags that may have waiting jobs, scored by when they were last served
--   T:x:gcur:served zset of all tags ever served, with the same score
-- A member is '<sequence>!<job id>', the sequence so padded that byte order is insertion order.

local function order_tag(group)
  return group and group ~= '' and 'g:' .. group or 'u'
end

local function order_drop(T, id, group)
  local member = rcall('HGET', T .. ':x:prio:ids', id)
  if member then
    rcall('HDEL', T .. ':x:prio:ids', id)
    rcall('ZREM', T .. ':x:prio', member)
    rcall('ZREM', T .. ':x:prio:' .. order_tag(group), member)
  end
end
