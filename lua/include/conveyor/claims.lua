-- Call tokens: a script that must not take effect twice remembers its result under the caller's token,
-- so that a call sent again after a lost reply is answered with the first result.
-- The hash T:x:claims:<instance> has 64 slots and lives 60 s after its last use.

local function recall(key, slot, token)
  local held = rcall('HGET', key, slot)
  if held and string.sub(held, 1, #token + 1) == token .. ':' then
    return string.sub(held, #token + 2)
  end
end

local function remember(key, slot, token, result)
  rcall('HSET', key, slot, token .. ':' .. result)
  rcall('PEXPIRE', key, 60000)
end
