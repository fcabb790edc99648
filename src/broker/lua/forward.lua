-- Moves due tasks of one queue to pending, or to their group (protocol 10.1), at most 100 from each source.
--
-- KEYS[1]  scheduled
-- KEYS[2]  retry
-- KEYS[3]  pending
-- KEYS[4]  groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  prefix of group sets
-- Returns  how many were moved

-- include: time
-- include: text
-- include: hash
-- include: allow-oom

allow_oom(KEYS[1])

local BATCH = 100

local function to_group(id, task, group)
  redis.call('ZADD', ARGV[3] .. group, whole(now_s), id)
  redis.call('SADD', KEYS[4], group) -- asynq forgets this, which hides the task (D1)
  redis.call('HSET', task, 'state', 'aggregating')
end

-- An ID without hash goes on as it is: the lease finds and reports it, and a hash made here would be an empty stub.
local function to_pending(id, task)
  redis.call('LPUSH', KEYS[3], id)
  if is_hash(task) then
    redis.call('HSET', task, 'state', 'pending', 'pending_since', now_ns)
  end
end

local function forward(source)
  local ids = redis.call('ZRANGEBYSCORE', source, '-inf', whole(now_s), 'LIMIT', 0, BATCH)
  for _, id in ipairs(ids) do
    local task = ARGV[2] .. id
    local group = is_hash(task) and redis.call('HGET', task, 'group')
    if group and group ~= '' then
      to_group(id, task, group)
    else
      to_pending(id, task)
    end
    redis.call('ZREM', source, id)
  end
  return #ids
end

return forward(KEYS[1]) + forward(KEYS[2])
