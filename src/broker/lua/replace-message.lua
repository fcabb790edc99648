-- Replaces the message of a task that waits, where it still is as it was read (protocol 14.8, without its race). A unique
-- task takes its lock along to the key of the new payload (D15), with the time that is left, if it still holds it.
--
-- KEYS[1]  the task's hash
-- KEYS[2]  scheduled
-- KEYS[3]  retry
-- ARGV[1]  task ID
-- ARGV[2]  the message as it was read
-- ARGV[3]  the new message
-- ARGV[4]  prefix of the sets of groups
-- ARGV[5]  lock in the old message, or ''
-- ARGV[6]  lock in the new message, or ''
-- Returns  { 'done', state, due time in seconds or nil }; { 'gone' }; { 'changed' } when another message stands there;
--          { 'state', state } when the task does not wait; { 'duplicate', ID of the task that holds the new lock }

-- include: text
-- include: hash

local TASK, ID, OLD_LOCK, NEW_LOCK = KEYS[1], ARGV[1], ARGV[5], ARGV[6]
local WAITS = { pending = true, scheduled = true, retry = true, archived = true }

-- One that is staged for aggregation may have been read already.
local function waits(state)
  if state ~= 'aggregating' then
    return WAITS[state]
  end
  local group = redis.call('HGET', TASK, 'group')
  return group and redis.call('ZSCORE', ARGV[4] .. group, ID)
end

local function due_of(state)
  if state == 'scheduled' then
    return redis.call('ZSCORE', KEYS[2], ID)
  end
  return state == 'retry' and redis.call('ZSCORE', KEYS[3], ID)
end

-- Protected: the old key comes out of a message, so it may be of any type, or in Cluster in another slot.
local function holds_lock()
  return OLD_LOCK ~= NEW_LOCK and redis.pcall('GET', OLD_LOCK) == ID
end

-- The task that is in the way of the new lock, if any.
local function holder_of(lock)
  if redis.call('EXISTS', lock) == 0 then
    return nil
  end
  local holder = redis.pcall('GET', lock)
  holder = type(holder) == 'string' and holder or ''
  return holder ~= ID and holder or nil
end

local function move_lock()
  local left = redis.call('TTL', OLD_LOCK)
  if left < 0 then
    redis.call('SET', NEW_LOCK, ID)
  else
    redis.call('SET', NEW_LOCK, ID, 'EX', whole(math.max(left, 1)))
  end
  redis.call('DEL', OLD_LOCK)
end

if not is_hash(TASK) then
  return { 'gone' }
end
local state = redis.call('HGET', TASK, 'state') or ''
if not waits(state) then
  return { 'state', state }
elseif redis.call('HGET', TASK, 'msg') ~= ARGV[2] then
  return { 'changed' }
end

if holds_lock() then
  local holder = holder_of(NEW_LOCK)
  if holder then
    return { 'duplicate', holder }
  end
  move_lock()
end
redis.call('HSET', TASK, 'msg', ARGV[3])
if NEW_LOCK ~= '' then
  redis.call('HSET', TASK, 'unique_key', NEW_LOCK)
end
return { 'done', state, due_of(state) }
