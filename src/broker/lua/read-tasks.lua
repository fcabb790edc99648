-- Reads tasks until a number of bytes is reached.
--
-- KEYS     the hashes
-- ARGV[1]  bytes at which to stop
-- ARGV[2]  bytes from which on a task is only named: the caller reads it by itself
-- ARGV[3]  '1': with their results
-- Returns  for as many tasks as were read, at least one: { message, pending_since, result if wanted }, each nil when
--          absent;
--          nil without hash; 1 for a large one

-- include: hash

local found, bytes = {}, 0
local HAS_RESULTS = ARGV[3] == '1'

local function read(task)
  if not is_hash(task) then
    return false
  end
  local size = redis.call('HSTRLEN', task, 'msg') + (HAS_RESULTS and redis.call('HSTRLEN', task, 'result') or 0)
  if size >= tonumber(ARGV[2]) then
    return 1
  end
  bytes = bytes + size
  if HAS_RESULTS then
    return redis.call('HMGET', task, 'msg', 'pending_since', 'result')
  end
  return redis.call('HMGET', task, 'msg', 'pending_since')
end

for i, task in ipairs(KEYS) do
  found[i] = read(task)
  if bytes >= tonumber(ARGV[1]) then
    break
  end
end
return found
