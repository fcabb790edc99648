-- What the inspector does with a task that was taken out of its place. Needs: time, text, release-lock.
local change = {}

-- asynq leaves pending_since out, so that latency reads 0; here it is set (D14).
function change.run(task, id, pending)
  redis.call('LPUSH', pending, id)
  redis.call('HSET', task, 'state', 'pending', 'pending_since', now_ns)
end

function change.archive(task, id, _, archived)
  redis.call('ZADD', archived, whole(now_s), id)
  redis.call('HSET', task, 'state', 'archived')
  redis.call('HDEL', task, 'pending_since')
end

function change.delete(task, id)
  release_lock(task, id)
  redis.call('DEL', task)
end
