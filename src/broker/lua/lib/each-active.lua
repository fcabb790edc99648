-- Calls back once for each ID in `active`, in chunks: it holds the tasks of all servers, perhaps many thousands. The
-- callback answers false when it has seen enough.
local CHUNK = 1000

local function each_active(active, look_at)
  local seen, start = {}, 0
  repeat
    local ids = redis.call('LRANGE', active, start, start + CHUNK - 1)
    for _, id in ipairs(ids) do
      if not seen[id] then
        seen[id] = true
        if look_at(id) == false then
          return
        end
      end
    end
    start = start + CHUNK
  until #ids < CHUNK
end
