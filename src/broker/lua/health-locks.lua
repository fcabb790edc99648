-- Tells which unique locks no task holds: their task is gone, or another task has its ID (D3). If it is to mend, those are
-- released, each still of the holder that was looked at.
--
-- KEYS     the locks
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  '1' = mend
-- Returns  { lock, its value, 'gone' or 'other', ... }

-- include: hash

local LONGEST = 65536 -- bytes of a message that is searched

-- By the hash, or where it does not say (Go leaves it out in groups, D4) by the message, which holds the key as it is.
local function names_lock(task, lock)
  local key = redis.call('HGET', task, 'unique_key')
  if key and key ~= '' then
    return key == lock
  end
  if redis.call('HSTRLEN', task, 'msg') > LONGEST then
    return true
  end
  return string.find(redis.call('HGET', task, 'msg') or '', lock, 1, true) ~= nil
end

local function leak_of(lock, holder)
  local task = ARGV[1] .. holder
  if not is_hash(task) then
    return 'gone'
  end
  return not names_lock(task, lock) and 'other'
end

local found = {}
for _, lock in ipairs(KEYS) do
  local holder = redis.pcall('GET', lock)
  local leak = type(holder) == 'string' and leak_of(lock, holder)
  if leak then
    local at = #found
    found[at + 1] = lock
    found[at + 2] = holder
    found[at + 3] = leak
    if ARGV[2] == '1' then
      redis.call('DEL', lock)
    end
  end
end
return found
