-- Counts a failure of a circuit and opens it at the limit.
-- Atomic because of failures that are counted at the same time each must be.
--
-- KEYS[1]  the state
-- ARGV[1]  failures at which the circuit opens, '' = never   ARGV[2]  now, epoch ms
-- ARGV[3]  seconds to live   ARGV[4]  channel to tell, '' = none
-- Returns the count · {text, SHA-1} when the stored text is not as both packages write it: nothing was changed.
local text = redis.pcall('GET', KEYS[1])
if type(text) == 'table' then
  return text
end
local state, count = 'closed', '0'
if text and text ~= '' then
  state, count = string.match(text, '^{"state":"([a-z-]+)","failureCount":(%d+)}$')
  if not state then
    state, count = string.match(text, '^{"state":"([a-z-]+)","failureCount":(%d+),"last%a+Time":%d+}$')
  end
  local known = state == 'closed' or state == 'open' or state == 'half-open'
  -- Beyond 15 digits, or with a leading zero, the number is for JavaScript to judge.
  if not known or #count > 15 or (#count > 1 and string.sub(count, 1, 1) == '0') then
    return { text, redis.sha1hex(text) }
  end
end
count = tonumber(count) + 1
local limit = tonumber(ARGV[1])
if limit and count >= limit then
  state = 'open'
end
local fresh = string.format('{"state":"%s","failureCount":%.0f,"lastFailureTime":%s}', state, count, ARGV[2])
redis.call('SETEX', KEYS[1], ARGV[3], fresh)
if ARGV[4] ~= '' then
  redis.call('PUBLISH', ARGV[4], fresh)
end
return count
