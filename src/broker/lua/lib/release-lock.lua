-- Gives the unique lock of a task back that is about to be deleted, if it is still its own (trap 19).
-- Needs: unlock.

local function varint_at(bytes, at)
  local value, scale = 0, 1
  for i = at, at + 9 do
    local byte = string.byte(bytes, i)
    if not byte then
      return nil
    end
    value = value + byte % 128 * scale
    if byte < 128 then
      return value, i + 1
    end
    scale = scale * 128
  end
  return nil
end

-- Where the next field begins; nil at the end, and for bytes that are no message.
local function after_value(bytes, wire_type, at)
  if wire_type == 0 then
    local _, next_at = varint_at(bytes, at)
    return next_at
  elseif wire_type == 1 then
    return at + 8
  elseif wire_type == 2 then
    local length, value_at = varint_at(bytes, at)
    return length and value_at + length
  end
  return wire_type == 5 and at + 4 or nil
end

-- Field 10 of a TaskMessage.
local function unique_key_in(message)
  local at = 1
  while at and at <= #message do
    local tag, value_at = varint_at(message, at)
    if not tag then
      return ''
    end
    at = after_value(message, tag % 8, value_at)
    if tag == 82 and at then
      local _, text_at = varint_at(message, value_at)
      return string.sub(message, text_at, at - 1)
    end
  end
  return ''
end

local LONGEST_MESSAGE = 1048576 -- a larger one is not looked into: that would hold Redis up

-- asynq does not note the lock of a task in a group beside it (D4), only in its message.
local function lock_of(task)
  local fields = redis.call('HMGET', task, 'unique_key', 'group')
  if fields[1] and fields[1] ~= '' then
    return fields[1]
  end
  if not fields[2] or redis.call('HSTRLEN', task, 'msg') > LONGEST_MESSAGE then
    return ''
  end
  return unique_key_in(redis.call('HGET', task, 'msg') or '')
end

local function release_lock(task, id)
  unlock(lock_of(task), id)
end
