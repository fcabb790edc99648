-- Deletes the tasks of an aggregation that is over, in steps: there may be thousands. Needs: unlock.
local SWEEP_STEP = 500

-- `locks`: the locks of tasks by ID, where known; a server in Go leaves them out of the hash (D4) and keeps them at an
-- aggregation (D8). Answers how many tasks are left.
local function sweep(closed, registry, task_prefix, locks)
  local ids = redis.call('ZRANGE', closed, 0, SWEEP_STEP - 1)
  for _, id in ipairs(ids) do
    local task = task_prefix .. id
    local lock = locks[id] or redis.pcall('HGET', task, 'unique_key')
    unlock(type(lock) == 'string' and lock, id)
    redis.call('UNLINK', task)
  end
  if #ids > 0 then
    redis.call('ZREMRANGEBYRANK', closed, 0, #ids - 1)
  end
  local left = redis.call('ZCARD', closed)
  if left == 0 then
    redis.call('ZREM', registry, closed)
  end
  return left
end
