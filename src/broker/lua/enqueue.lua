-- Stores new tasks of one queue, pending or scheduled (protocol 8.1, 8.3, 8.7). Each task is stored or refused by itself.
--
-- KEYS[1]  pending
-- KEYS[2]  scheduled
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- then four per task:
--          id, message, mode ('now', 'at', 'in'), milliseconds (since 1970 for 'at', from now for 'in')
-- Returns  two numbers per task: 0 = the ID exists, 1 = pending, 2 = scheduled; and the instant in milliseconds
--          (now for pending, the due time for scheduled, 0 for an existing ID)

-- include: time
-- include: text

local function milliseconds_ahead(mode, milliseconds)
  if mode == 'at' then
    return milliseconds - now_ms
  end
  return mode == 'in' and milliseconds or 0
end

local function store(id, message, ahead)
  local task = ARGV[2] .. id
  if redis.call('EXISTS', task) == 1 then
    return 0, 0
  end
  if ahead > 0 then
    local due = seconds_from_now(ahead)
    redis.call('HSET', task, 'msg', message, 'state', 'scheduled')
    redis.call('ZADD', KEYS[2], whole(due), id)
    return 2, due * 1000
  end
  redis.call('HSET', task, 'msg', message, 'state', 'pending', 'pending_since', now_ns)
  redis.call('LPUSH', KEYS[1], id)
  return 1, math.floor(now_ms)
end

local replies = {}
for i = 3, #ARGV, 4 do
  local ahead = milliseconds_ahead(ARGV[i + 2], tonumber(ARGV[i + 3]))
  local status, at = store(ARGV[i], ARGV[i + 1], ahead)
  replies[#replies + 1] = status
  replies[#replies + 1] = at
end
return replies
