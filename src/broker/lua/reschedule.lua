-- Gives a task another time: one that is scheduled, waits for a retry, is archived, or is pending. It keeps what it is
-- (a retry stays a retry); an archived or pending one becomes scheduled. What is due at once becomes pending, and here,
-- unlike in asynq, with pending_since (D14).
--
-- KEYS[1]  the task's hash
-- KEYS[2]  pending
-- KEYS[3]  scheduled
-- KEYS[4]  retry
-- KEYS[5]  archived
-- ARGV[1]  time offset in seconds
-- ARGV[2]  task ID
-- ARGV[3]  'now', 'at' or 'in'
-- ARGV[4]  milliseconds (since 1970 for 'at', from now for 'in')
-- Returns  { 'done', state, due time in seconds or nil, message }; { 'gone' }; { 'state', state } when it cannot be done

-- include: time
-- include: due
-- include: text
-- include: hash

local TASK, PENDING, ID = KEYS[1], KEYS[2], ARGV[2]
local SETS = { scheduled = KEYS[3], retry = KEYS[4], archived = KEYS[5] }
-- Entries of `pending` that are looked at from either end: a search through a million of them would hold Redis for 35 ms.
local REACH = 50000

local function milliseconds_ahead()
  if ARGV[3] == 'at' then
    return tonumber(ARGV[4]) - now_ms
  end
  return ARGV[3] == 'in' and tonumber(ARGV[4]) or 0
end

-- From which end the task is found in `pending`: 1 = the newest, -1 = the oldest.
local function end_of_pending()
  for _, from in ipairs({ -1, 1 }) do
    if redis.call('LPOS', PENDING, ID, 'RANK', from, 'MAXLEN', REACH) then
      return from
    end
  end
  return nil
end

-- The lock of a unique task is to outlast it (protocol 6.2): it is held longer by as much as the task is put off, counted
-- from now where it is due already.
local function prolong_lock(seconds)
  local lock = redis.call('HGET', TASK, 'unique_key')
  if seconds <= 0 or not lock or lock == '' or redis.pcall('GET', lock) ~= ID then
    return
  end
  local left = redis.call('TTL', lock)
  if left >= 0 then
    redis.call('EXPIRE', lock, whole(left + seconds))
  end
end

local function make_pending(state)
  if state ~= 'pending' then
    redis.call('LPUSH', PENDING, ID)
    redis.call('ZREM', SETS[state], ID)
    redis.call('HSET', TASK, 'state', 'pending', 'pending_since', now_ns)
  end
  return { 'done', 'pending', false, redis.call('HGET', TASK, 'msg') }
end

local function make_due(state, from, old_due, due)
  local target = state == 'retry' and 'retry' or 'scheduled'
  redis.call('ZADD', SETS[target], whole(due), ID)
  if state == 'pending' then
    redis.call('LREM', PENDING, from, ID)
    redis.call('HDEL', TASK, 'pending_since')
  elseif state ~= target then
    redis.call('ZREM', SETS[state], ID)
  end
  redis.call('HSET', TASK, 'state', target)
  if target == 'scheduled' then
    -- Once in a group and run or archived since: a forwarder would put it back there, and asynq's hide it (D1, D5).
    redis.call('HDEL', TASK, 'group')
  end
  prolong_lock(due - math.max(old_due, now_s))
  return { 'done', target, due, redis.call('HGET', TASK, 'msg') }
end

if not is_hash(TASK) then
  return { 'gone' }
end
local state = redis.call('HGET', TASK, 'state') or ''
local from, score
if state == 'pending' then
  from = end_of_pending()
elseif SETS[state] then
  score = redis.call('ZSCORE', SETS[state], ID)
end
-- Nothing is written for a task that is not where its state says, nor for one without a message.
if not (from or score) or redis.call('HEXISTS', TASK, 'msg') == 0 then
  return { 'state', state }
end
local ahead = milliseconds_ahead()
if ahead <= 0 then
  return make_pending(state)
end
return make_due(state, from, tonumber(score or 0), seconds_from_now(ahead))
