-- Ends the attempt of active tasks of one queue: done, complete, retry, archive, requeue (protocol 9.2 to 9.6).
-- A task is touched only while its ID is in `active` and in `lease`; otherwise it is not ours any more. What belongs to
-- the attempt ends with it: its owner, a cancel request. What the deaths of threads and processes left is kept until
-- the task succeeds.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- KEYS[3]  pending
-- KEYS[4]  retry
-- KEYS[5]  archived
-- KEYS[6]  completed
-- KEYS[7]  processed (its daily key is derived)
-- KEYS[8]  failed (its daily key is derived)
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  seconds that a lease must be over for a task to be touched, or '' for tasks of our own
-- ARGV[4]  the owner for which a task must be leased to be touched, or '' for any
-- then ten per task:
--          kind, id, unique key or '', message head, tag of the instant or '', message tail,
--          number (complete: retention in seconds; retry: delay in milliseconds; else 0),
--          flag (complete: '1' = there is a result; retry: '1' = counts; else '0'), result or '',
--          mark ('crash', 'suspect' or '')
-- Returns  one number per task: 1 = settled, 0 = lost

-- include: time
-- include: text
-- include: day
-- include: counters
-- include: stamp
-- include: archive
-- include: hash
-- include: held
-- include: allow-oom

local ACTIVE, LEASE, PENDING, RETRY = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ARCHIVED, COMPLETED, PROCESSED, FAILED = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
allow_oom(LEASE)

-- Takes the task out of `active` and `lease` if it is in both. Nothing is written before both are known to hold it:
-- LREM of an ID that is not there removes nothing.
local function release(id, task)
  local expiry = redis.call('ZSCORE', LEASE, id)
  if not expiry then
    return false
  end
  if ARGV[3] ~= '' and tonumber(expiry) > now_s - tonumber(ARGV[3]) then
    return false
  end
  if ARGV[4] ~= '' and not is_held_by(ARGV[4], LEASE, id, task) then
    return false
  end
  if redis.call('LREM', ACTIVE, 0, id) == 0 then
    return false
  end
  redis.call('ZREM', LEASE, id)
  return true
end

-- Last, and protected: the key comes out of a message, so it may be of any type, or in Cluster in another slot.
local function unlock(unique_key, id)
  if unique_key ~= '' and redis.pcall('GET', unique_key) == id then
    redis.call('DEL', unique_key)
  end
end

local function count_crash(task)
  local crashes = redis.pcall('HINCRBY', task, 'tm_crashes', 1)
  if type(crashes) ~= 'number' then
    redis.call('HSET', task, 'tm_crashes', 1) -- somebody else wrote there what is no number
  end
end

-- Before the transition: the archive may trim the very task, and a field written after that would make a stub.
local function end_attempt(task, kind, mark)
  if kind == 'done' then
    return -- the whole hash goes
  end
  if kind == 'complete' then
    redis.call('HDEL', task, 'tm_owner', 'tm_lease', 'tm_cancel', 'tm_crashes', 'tm_suspect')
    return
  end
  redis.call('HDEL', task, 'tm_owner', 'tm_lease', 'tm_cancel')
  if mark == 'crash' then
    count_crash(task)
  elseif mark == 'suspect' then
    redis.call('HSET', task, 'tm_suspect', '1')
  end
end

local settle = {}

function settle.done(task, entry)
  redis.call('DEL', task)
  count_processed(PROCESSED)
  unlock(entry.unique_key, entry.id)
end

function settle.complete(task, entry)
  redis.call('ZADD', COMPLETED, whole(now_s + entry.number), entry.id)
  redis.call('HSET', task, 'msg', entry.message, 'state', 'completed')
  if entry.flag then
    redis.call('HSET', task, 'result', entry.result)
  end
  count_processed(PROCESSED)
  unlock(entry.unique_key, entry.id)
end

function settle.retry(task, entry)
  redis.call('ZADD', RETRY, whole(seconds_from_now(entry.number)), entry.id)
  redis.call('HSET', task, 'msg', entry.message, 'state', 'retry')
  if entry.flag then
    count_processed_and_failed(PROCESSED, FAILED)
  end
end

function settle.archive(_, entry)
  archive(ARCHIVED, ARGV[2], entry.id, entry.message)
  count_processed_and_failed(PROCESSED, FAILED)
end

-- asynq leaves pending_since out, so that latency reads 0; here it is set again (D14).
function settle.requeue(task, entry)
  redis.call('RPUSH', PENDING, entry.id)
  redis.call('HSET', task, 'state', 'pending', 'pending_since', now_ns)
end

local replies = {}
for i = 5, #ARGV, 10 do
  local id = ARGV[i + 1]
  local task = ARGV[2] .. id
  -- Without its hash a task cannot be settled, only forgotten: writing would make half a hash (trap 15).
  if release(id, task) and is_hash(task) then
    end_attempt(task, ARGV[i], ARGV[i + 9])
    settle[ARGV[i]](task, {
      id = id,
      unique_key = ARGV[i + 2],
      message = stamped(ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]),
      number = tonumber(ARGV[i + 6]),
      flag = ARGV[i + 7] == '1',
      result = ARGV[i + 8],
    })
    replies[#replies + 1] = 1
  else
    replies[#replies + 1] = 0
  end
end
return replies
