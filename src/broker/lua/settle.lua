-- Ends the attempt of active tasks of one queue: done, complete, retry, archive, requeue (protocol 9.2 to 9.6).
-- A task is touched only while its ID is in `active` and its lease is the caller's: one that its token names (`own`), one
-- that is over (`expired`), or one that is missing (`unleased`). What belongs to the attempt ends with it: its token, a
-- cancel request. What the deaths of threads and processes left is kept until the task succeeds.
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
-- ARGV[3]  'own', 'expired' or 'unleased'
-- ARGV[4]  own: the server
-- ARGV[5]  expired: seconds that a lease must be over whose token holds
-- ARGV[6]  expired: seconds that any other lease must be over
-- ARGV[7]  own: how many runs of the server have begun, then so many pairs of ID and run
-- then eleven per task:
--          kind, id, own: run; expired: the token that was seen to hold or '';
--          unleased: the token that was seen or '',
--          unique key or '', message head, tag of the instant or '', message tail,
--          number (complete: retention in seconds; retry: delay in milliseconds; else 0),
--          flag (complete: '1' = there is a result; retry: '1' = counts; else '0'), result or '',
--          mark ('crash', 'suspect', 'return' or '')
-- Returns  one number per task: 1 = settled, 0 = lost

-- include: time
-- include: text
-- include: day
-- include: counters
-- include: stamp
-- include: archive
-- include: hash
-- include: held
-- include: count
-- include: begun
-- include: allow-oom

local ACTIVE, LEASE, PENDING, RETRY = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ARCHIVED, COMPLETED, PROCESSED, FAILED = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local MODE, SERVER = ARGV[3], ARGV[4]
allow_oom(LEASE)

-- Whether a token holds does not change between the look and the act of a recoverer without the token or the score
-- changing, so that both are read again here.
local is_free = {}

function is_free.own(id, task, run)
  return held_until(SERVER .. ' ' .. run, LEASE, id, task) ~= nil
end

function is_free.expired(id, task, seen)
  local score = redis.call('ZSCORE', LEASE, id)
  local token = score and holding_token(task, score)
  if not score or (token or '') ~= seen then
    return false
  end
  return tonumber(score) <= now_s - tonumber(token and ARGV[5] or ARGV[6])
end

function is_free.unleased(id, task, seen)
  return not redis.call('ZSCORE', LEASE, id) and (token_of(task) or '') == seen
end

-- Takes the task out of `active` and `lease`. Nothing is written before it is known to be the caller's to settle: LREM of
-- an ID that is not there removes nothing.
local function release(id, task, holder)
  if not is_free[MODE](id, task, holder) or redis.call('LREM', ACTIVE, 0, id) == 0 then
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

-- Before the transition: the archive may trim the very task, and a field written after that would make a stub.
local function end_attempt(task, kind, mark)
  if kind == 'done' then
    return -- the whole hash goes
  end
  redis.call('HDEL', task, 'threadmill_lease', 'threadmill_begun', 'threadmill_cancel')
  if kind == 'complete' then
    redis.call('HDEL', task, 'threadmill_crashes', 'threadmill_suspect')
  end
  if mark == 'return' then
    count(task, 'threadmill_returns')
    return
  end
  redis.call('HDEL', task, 'threadmill_returns')
  if mark == 'crash' then
    count(task, 'threadmill_crashes')
  elseif mark == 'suspect' then
    redis.call('HSET', task, 'threadmill_suspect', '1')
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

local notes = tonumber(ARGV[7])
if notes > 0 then
  note_begun(SERVER, LEASE, ARGV[2], 8, notes)
end

local replies = {}
for i = 8 + 2 * notes, #ARGV, 11 do
  local id = ARGV[i + 1]
  local task = ARGV[2] .. id
  -- Without its hash a task cannot be settled, only forgotten: writing would make half a hash (trap 15).
  if release(id, task, ARGV[i + 2]) and is_hash(task) then
    end_attempt(task, ARGV[i], ARGV[i + 10])
    settle[ARGV[i]](task, {
      id = id,
      unique_key = ARGV[i + 3],
      message = stamped(ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]),
      number = tonumber(ARGV[i + 7]),
      flag = ARGV[i + 8] == '1',
      result = ARGV[i + 9],
    })
    replies[#replies + 1] = 1
  else
    replies[#replies + 1] = 0
  end
end
return replies
