-- Merges into the metadata of an entry and counts its version up.
-- Atomic so that parallel updates do not lose one another: nobody reads the version first and finds it changed later.
--
-- KEYS[1]  the hash of the entry
-- ARGV[1]  how many fields and values follow   ARGV[2]… field, value, …, then the names to delete with all below them
-- Returns 1 done · 0 the entry has no version, or one that is not a whole number as JavaScript writes it.
local rcall = redis.call
--- @include "nvent/set-fields"

local text = rcall('HGET', KEYS[1], 'version')
local version = text and (text == '0' or text:find('^%-?[1-9]%d*$')) and tonumber(text)
if not version or math.abs(version) >= 2 ^ 53 then
  return 0
end

local sets = tonumber(ARGV[1])
set_fields(KEYS[1], 2, sets + 1)

local gone = {}
for i = sets + 2, #ARGV do
  gone[ARGV[i]] = true
end
if next(gone) then
  for _, field in ipairs(rcall('HKEYS', KEYS[1])) do
    local dot = 0
    repeat
      dot = field:find('.', dot + 1, true)
      local path = dot and field:sub(1, dot - 1) or field
      if dot ~= 1 and gone[path] then
        rcall('HDEL', KEYS[1], field)
        break
      end
    until not dot
  end
end

rcall('HSET', KEYS[1], 'version', string.format('%.0f', version + 1))
return 1
