--- @include "conveyor/order-put"
--- @include "conveyor/priority"

-- Brings the order index up to date with the list, which upstream processes push to without telling us.
-- It walks back from the tail, one window a call, and keeps its place in T:x:prio:meta: `walk` ids are done,
-- `base` is the sequence after which unknown ids belong, `pass` numbers the walks, `slack` counts the list
-- entries that the last full walk could not tell apart (duplicates). True when nothing is left to find.
--
-- An unknown id takes the place its neighbours leave: '<base>.<pass>.<position>' sorts after '<base>!' and
-- before the next sequence, later walks after earlier ones.
local function order_synced(T, window)
  local list, meta, ids = T .. ':waiting', T .. ':x:prio:meta', T .. ':x:prio:ids'
  local state = rcall('HMGET', meta, 'walk', 'base', 'pass', 'slack', 'seq')
  local done, base, pass, slack = tonumber(state[1]), tonumber(state[2]), tonumber(state[3]), tonumber(state[4]) or 0
  local length = rcall('LLEN', list)
  if not done then
    if length == 0 then
      return true
    end
    local missing = length - rcall('ZCARD', T .. ':x:prio')
    if missing <= slack and rcall('HEXISTS', ids, rcall('LINDEX', list, -1)) == 1 then
      if missing < slack then
        rcall('HSET', meta, 'slack', math.max(0, missing))
      end
      return true
    end
    done, base, pass = 0, tonumber(state[5]) or 0, rcall('HINCRBY', meta, 'pass', 1)
  end

  local waiting = rcall('LRANGE', list, -(done + window), -(done + 1))
  local members = #waiting > 0 and rcall('HMGET', ids, unpack(waiting)) or {}
  local first, removed = length - done - #waiting, 0
  local by_id, all, by_tag = {}, {}, {}
  for i = #waiting, 1, -1 do
    local id = waiting[i]
    if members[i] then
      base = math.max(0, tonumber(string.match(members[i], '^%d+')) - 1)
    else
      local job = redis.pcall('HMGET', T .. ':job:' .. id, 'state', 'groupId', 'opts')
      if job[1] == 'waiting' then
        local member = string.format('%016.0f.%08.0f.%010.0f!', base, pass, first + i) .. id
        local tag, priority = order_tag(job[2]), priority_of(job[3])
        local same = by_tag[tag] or {}
        by_tag[tag] = same
        by_id[#by_id + 1], by_id[#by_id + 2] = id, member
        all[#all + 1], all[#all + 2] = priority, member
        same[#same + 1], same[#same + 2] = priority, member
      else
        rcall('LREM', list, -1, id)
        removed = removed + 1
        if job.err then
          rcall('ZADD', T .. ':x:quarantine', 0, id)
        end
      end
    end
  end
  local found = #by_id + removed
  if #by_id > 0 then
    rcall('HSET', ids, unpack(by_id))
    rcall('ZADD', T .. ':x:prio', unpack(all))
    for tag, same in pairs(by_tag) do
      rcall('ZADD', T .. ':x:prio:' .. tag, unpack(same))
      order_queue_up(T, tag)
    end
  end

  length = length - removed
  done = done + #waiting - removed
  local missing = length - rcall('ZCARD', T .. ':x:prio')
  if done >= length then
    rcall('HSET', meta, 'slack', math.max(0, missing))
    rcall('HDEL', meta, 'walk', 'base')
    return true
  end
  if found == 0 and missing <= slack then
    rcall('HDEL', meta, 'walk', 'base')
    return true
  end
  rcall('HSET', meta, 'walk', string.format('%.0f', done), 'base', string.format('%.0f', base))
  return false
end
