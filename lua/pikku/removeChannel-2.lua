-- Removes a channel, and takes it out of the topics that it follows.
-- Atomic because a topic that is subscribed to meanwhile would keep the id of a channel that is gone.
--
-- KEYS[1]  hash of the channel   KEYS[2]  set of the topics that it follows
-- ARGV[1]  what keys of topics begin with   ARGV[2]  channel id
-- Returns how many topics the channel followed.
local rcall = redis.call

local topics = rcall('SMEMBERS', KEYS[2])
for _, topic in ipairs(topics) do
  rcall('SREM', ARGV[1] .. topic, ARGV[2])
end
rcall('DEL', KEYS[1], KEYS[2])
return #topics
