-- What earlier attempts left beside a task that is leased, and what is no task. Needs: well-formed, count.

-- Whether an ID can be leased; `bytes` is what HSTRLEN said of its message.
local function is_task(id, task, bytes)
  return is_utf8(id) and type(bytes) == 'number' and (bytes > 0 or redis.call('EXISTS', task) == 1)
end

-- The death of an owner, seen late: first the task becomes a suspect, which runs alone; when it was one, it has crashed.
local function count_unseen_death(task, token, begun, crashes, suspect)
  if not token or begun ~= '1' then
    return crashes, suspect
  end
  if suspect ~= '1' then
    redis.call('HSET', task, 'threadmill_suspect', '1')
    return crashes, '1'
  end
  return count(task, 'threadmill_crashes'), suspect
end

-- What an attempt of ours leaves beside a task: a token, what says that it is over, and then what is to be forgotten. A
-- cancel request was for an earlier attempt, which a Go server ended. What an earlier handler reported is over now.
local function end_past(task)
  local found = redis.call('HMGET', task, 'threadmill_lease', 'threadmill_begun', 'threadmill_crashes', 'threadmill_suspect')
  local crashes, suspect = count_unseen_death(task, unpack(found))
  redis.call('HDEL', task, 'threadmill_cancel', 'threadmill_begun', 'threadmill_started', 'threadmill_progress',
    'threadmill_log', 'threadmill_run_ms')
  return crashes, suspect
end
