-- Sets the fields and values ARGV[from] … ARGV[to] of a hash, in pieces that fit Lua's stack.
local function set_fields(key, from, to)
  for i = from, to, 1000 do
    rcall('HSET', key, unpack(ARGV, i, math.min(i + 999, to)))
  end
end
