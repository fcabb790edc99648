-- Lists tasks whose lease ended a while ago (protocol 10.2), oldest first, at most 100. Repairs what it meets, or the
-- same broken entries would be listed at every pass and hide the others.
--
-- KEYS[1]  lease
-- KEYS[2]  active
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  seconds that the lease must be over
-- Returns  { id, message or nil, ... }

-- include: time
-- include: text
-- include: hash
-- include: well-formed
-- include: allow-oom

allow_oom(KEYS[1])

local BATCH = 100

-- Whether the task can be settled: it has a hash, and `active` and `lease` both hold it (trap 12).
local function is_recoverable(id, task)
  if not is_utf8(id) or not is_hash(task) then
    redis.call('LREM', KEYS[2], 0, id)
    redis.call('ZREM', KEYS[1], id)
    return false
  end
  if redis.call('LPOS', KEYS[2], id) then
    return true
  end
  if redis.call('HGET', task, 'state') == 'active' then
    redis.call('LPUSH', KEYS[2], id) -- in no other place: without this it would be lost
    return true
  end
  redis.call('ZREM', KEYS[1], id) -- it went on elsewhere, and its lease was left behind
  return false
end

local cutoff = whole(now_s - tonumber(ARGV[3]))
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', cutoff, 'LIMIT', 0, BATCH)) do
  local task = ARGV[2] .. id
  if is_recoverable(id, task) then
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', task, 'msg')
  end
end
return found
