-- Replaces the state of a circuit if it still is what was read.
-- Atomic because that is its purpose.
--
-- KEYS[1]  the circuit
-- ARGV[1]  what was read, empty for nothing   ARGV[2]  the new state, JSON   ARGV[3]  channel for the change, may be empty
-- ARGV[4]  how long a state lasts, s
-- Returns 1 replaced · 0 somebody else was faster. Errors are those of GET.
local raw = redis.pcall('GET', KEYS[1])
if type(raw) == 'table' and raw.err then
  return raw
end
if (raw or '') ~= ARGV[1] then
  return 0
end
redis.call('SETEX', KEYS[1], ARGV[4], ARGV[2])
if ARGV[3] ~= '' then
  redis.pcall('PUBLISH', ARGV[3], ARGV[2])
end
return 1
