--- @include "conveyor/order-add"

-- A score that ZADD takes: a date that is no number counts as the beginning of time instead of failing half-way.
local function score_of(text)
  local number = tonumber(text)
  return number and number == number and text or '0'
end

-- Files a job under its state. `score` is for the zset states, `since` scores the group's waiting zset.
-- An unknown state is filed nowhere, as upstream does.
local function index_add(T, state, id, group, score, since, priority)
  local key, grouped = T .. ':' .. state, group and group ~= ''
  if state == 'waiting' then
    rcall('RPUSH', key, id)
    if grouped then
      rcall('ZADD', T .. ':group:' .. group .. ':waiting', score_of(since), id)
    end
    order_add(T, id, group, priority)
  elseif state == 'waiting-children' then
    rcall('RPUSH', key, id)
  elseif state == 'active' then
    rcall('SADD', key, id)
    if grouped then
      rcall('SADD', T .. ':group:' .. group .. ':active', id)
    end
  elseif state == 'delayed' or state == 'completed' or state == 'failed' then
    rcall('ZADD', key, score_of(score), id)
  end
end
