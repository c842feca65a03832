-- Reads the variables of a run from both places where they have been kept.
-- Atomic so that a variable on its way from one to the other is not missed.
--
-- KEYS[1]  P:run:R   KEYS[2]  P:run-state:R
-- Returns a list: the object that versions before 0.12.13 wrote, or nil · name, JSON text, …
local rcall = redis.call

return { rcall('HGET', KEYS[1], 'state'), rcall('HGETALL', KEYS[2]) }
