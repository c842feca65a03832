-- Gives a deduplication key back, unless another job has reserved it since.
local function dedup_release(T, key, id)
  if key and key ~= '' then
    local pointer = T .. ':dedup:' .. key
    if redis.pcall('GET', pointer) == id then
      rcall('DEL', pointer)
    end
  end
end
