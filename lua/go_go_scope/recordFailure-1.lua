-- Counts a failure of a circuit, and opens it when there are too many.
-- Atomic because failures come from many processes at once, and each has to count.
--
-- Knows states as the library itself writes them, and leaves all others to JavaScript, which parses them its own way.
--
-- KEYS[1]  the circuit
-- ARGV[1]  failures that open it, empty for none   ARGV[2]  now, epoch ms   ARGV[3]  channel for the change, may be empty
-- ARGV[4]  how long a state lasts, s
-- Returns the count as text · nil when the state has to be read by JavaScript. Errors are those of GET.
local raw = redis.pcall('GET', KEYS[1])
if type(raw) == 'table' and raw.err then
  return raw
end
local state, count = 'closed', '0'
if raw and raw ~= '' then
  state, count = raw:match('^{"state":"([a-z-]+)","failureCount":(%d+)}$')
  if not state then
    state, count = raw:match('^{"state":"([a-z-]+)","failureCount":(%d+),"last%a+Time":%d+}$')
  end
  local is_known = state == 'closed' or state == 'open' or state == 'half-open'
  -- Longer numbers, and ones that begin with a zero, are not what they seem.
  if not is_known or #count > 15 or count:find('^0%d') then
    return false
  end
end
count = tonumber(count) + 1
if ARGV[1] ~= '' and count >= tonumber(ARGV[1]) then
  state = 'open'
end
local json = string.format('{"state":"%s","failureCount":%.0f,"lastFailureTime":%s}', state, count, ARGV[2])
redis.call('SETEX', KEYS[1], ARGV[4], json)
if ARGV[3] ~= '' then
  redis.pcall('PUBLISH', ARGV[3], json)
end
return string.format('%.0f', count)
