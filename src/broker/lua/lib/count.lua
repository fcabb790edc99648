-- Adds one to a counter beside a task, and answers it as text. Needs: text.
local function count(task, field)
  local value = redis.pcall('HINCRBY', task, field, 1)
  if type(value) ~= 'number' then
    value = 1 -- somebody else wrote there what is no number
    redis.call('HSET', task, field, value)
  end
  return whole(value)
end
