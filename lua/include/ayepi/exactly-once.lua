-- Carries out what the record of calls does not have of this call, and remembers it: a call that is sent again, whole or an
-- item of it, hears what it heard the first time. One that was overtaken, for its place serves another by now, does nothing.
--
-- KEYS[1] the record   KEYS[2] key of the first item
-- ARGV[1] place   ARGV[2] number   ARGV[4] index of the first item   ARGV[5] its value   ARGV[6]… key and value of further ones
-- `carry_out(key, value)` returns the answer to an item, a text without a comma, or an error.
-- Returns the answers, with commas between: `-` for an error, unless the item is alone: then the error itself.
local function exactly_once(carry_out)
  local number, first, count = tonumber(ARGV[2]), tonumber(ARGV[4]), (#ARGV - 3) / 2
  local remembered = {}
  local known = rcall('HGET', KEYS[1], ARGV[1])
  if known then
    local its_number, answers = string.match(known, '^(%d+) (.*)$')
    its_number = tonumber(its_number)
    if its_number > number then
      return redis.error_reply('ERR this call was answered long ago')
    end
    if its_number == number then
      for answer in string.gmatch(answers .. ',', '([^,]*),') do
        remembered[#remembered + 1] = answer
      end
    end
  end
  for index = #remembered + 1, first - 1 do
    remembered[index] = ''
  end
  local replies = {}
  for i = 1, count do
    local index = first + i - 1
    local answer = remembered[index]
    if not answer or answer == '' then
      answer = carry_out(i == 1 and KEYS[2] or ARGV[2 * i + 2], ARGV[2 * i + 3])
      if type(answer) == 'table' then
        if count == 1 then
          return answer
        end
        answer = ''
      end
      remembered[index] = answer
    end
    replies[i] = answer == '' and '-' or answer
  end
  if rcall('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. table.concat(remembered, ',')) == 1 then
    rcall('PEXPIRE', KEYS[1], 3600000)
  end
  return table.concat(replies, ',')
end
