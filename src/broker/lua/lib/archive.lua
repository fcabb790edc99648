-- Puts a task into the archive (protocol 9.6). Whoever calls it trims the archive afterwards, once for all tasks of the call.
-- Without a message the task keeps the one that it has. Needs: time, text.
local function archive(archived, task_prefix, id, message)
  redis.call('ZADD', archived, whole(now_s), id)
  if message then
    redis.call('HSET', task_prefix .. id, 'msg', message, 'state', 'archived')
  else
    redis.call('HSET', task_prefix .. id, 'state', 'archived')
  end
end
