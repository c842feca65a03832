-- Reads steps of a run by its index, from place `from` to place `to`: for each its name, the asked fields (ARGV from
-- `fields` on), and with `history` the members of its history. Rows that are gone are left out.
local function read_steps(out, steps, step_prefix, history_prefix, from, to, fields, limit)
  local size = 0
  for _, name in ipairs(rcall('ZRANGE', steps, from, to)) do
    local row = rcall('HMGET', step_prefix .. name, unpack(ARGV, fields))
    -- The first of the fields is the step id, without which there is no step.
    if row[1] then
      out[#out + 1] = name
      out[#out + 1] = row
      if history_prefix then
        out[#out + 1] = rcall('ZRANGE', history_prefix .. row[1], 0, -1)
      end
    end
    if limit then
      for _, value in ipairs(row) do
        size = size + (value and #value or 0)
      end
      if size > limit then
        return false
      end
    end
  end
  return true
end
