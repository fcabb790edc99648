-- Settles tasks that are not just done: complete, retry, archive, requeue. Takes from ARGV what settle.lua describes. Needs
-- the parts that settle.lua includes before it, its names of keys, `release` and `has_hash`.

-- Before the transition, as all that is written beside it: the archive may trim the very task, and a field written after
-- that would make a stub.
local function end_attempt(task, kind, mark)
  redis.call('HDEL', task, 'threadmill_lease', 'threadmill_begun', 'threadmill_cancel', 'threadmill_started')
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

-- `message` is nothing where it was staged.
local function write_message(task, message, state)
  if message then
    redis.call('HSET', task, 'msg', message, 'state', state)
  else
    redis.call('HSET', task, 'state', state)
  end
end

local settle = {}

function settle.complete(task, entry)
  redis.call('ZADD', COMPLETED, whole(now_s + entry.number), entry.id)
  write_message(task, entry.message, 'completed')
  if entry.result then
    redis.call('HSET', task, 'result', entry.result)
  end
  count_processed(PROCESSED, 1)
  unlock(entry.unique_key, entry.id)
end

function settle.retry(task, entry)
  redis.call('ZADD', RETRY, whole(seconds_from_now(entry.number)), entry.id)
  write_message(task, entry.message, 'retry')
  if entry.flag then
    count_processed_and_failed(PROCESSED, FAILED)
  end
end

function settle.archive(_, entry)
  archive(ARCHIVED, PREFIX, entry.id, entry.message)
  count_processed_and_failed(PROCESSED, FAILED)
  has_archived = true
end

-- asynq leaves pending_since out, so that latency reads 0; here it is set again (D14).
function settle.requeue(task, entry)
  redis.call('RPUSH', PENDING, entry.id)
  redis.call('HSET', task, 'state', 'pending', 'pending_since', now_ns)
end

-- What the values of a task say that begin at ARGV[i].
local function entry_at(id, i)
  local staged = ARGV[i + 10]
  local is_flagged = ARGV[i + 6] == '1'
  return {
    id = id,
    unique_key = ARGV[i + 1],
    message = not string.find(staged, 'msg', 1, true) and stamped(ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]),
    number = tonumber(ARGV[i + 5]),
    flag = is_flagged,
    result = is_flagged and not string.find(staged, 'result', 1, true) and ARGV[i + 7],
  }
end

local function settle_kept(id, task, holder, i)
  local kind, staged, fields = ARGV[i], ARGV[i + 9], ARGV[i + 10]
  if staged ~= '' and not is_staged(staged, fields) then
    redis.call('DEL', staged)
    return '2'
  end
  if not release(id, task, holder, false) or not has_hash(task) then
    if staged ~= '' then
      redis.call('DEL', staged)
    end
    return '0'
  end
  if ARGV[i + 11] ~= '0' then
    keep_attempt(task, kind, i + 12)
    keep_report(task, i + 16)
  end
  end_attempt(task, kind, ARGV[i + 8])
  if staged ~= '' then
    take_staged(task, staged, fields)
  end
  settle[kind](task, entry_at(id, i))
  return '1'
end
