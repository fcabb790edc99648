-- Large values reach a task's hash without passing through Lua, where 10 MB hold Redis for 100 to 200 ms instead of 6: they
-- are written into a hash of their own, and that takes the place of the task's. Nobody sees both, or half of it.
-- `fields`: which of its values are staged: 'msg', 'result' or 'msg result'.
-- Whether they are there; then the hash stays. All commands that may be refused for lack of rights come before the task
-- leaves `active`: `persist` and `hkeys` were not among the rights that earlier versions needed.
local function is_staged(staged, fields)
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', staged)) do
    found[field] = true
  end
  for field in string.gmatch(fields, '%S+') do
    if not found[field] then
      return false
    end
  end
  redis.call('PERSIST', staged)
  return true
end

-- What else the task's hash holds goes along, also what we do not know. Not its message: it is either staged or written
-- afterwards.
local function take_staged(task, staged, fields)
  for _, field in ipairs(redis.call('HKEYS', task)) do
    if field ~= 'msg' and not string.find(' ' .. fields .. ' ', ' ' .. field .. ' ', 1, true) then
      redis.call('HSET', staged, field, redis.call('HGET', task, field))
    end
  end
  redis.call('RENAME', staged, task)
end
