-- Stores one new task that is to wait, to be unique or in a group, or to take the place of another, and takes it from ARGV
-- as enqueue.lua describes it. Stands inside a function, as Redis runs the whole text of a script at each call, and most
-- tasks need nothing of this. Needs: time, due, text, unlock, NOW, and
-- note_stored of store.

-- A large message would be copied several times on its way through a script: it was staged in a hash of its own before.
local is_staged

local function write(task, message, ...)
  if not is_staged then
    redis.call('HSET', task, 'msg', message, ...)
    return
  end
  redis.call('RENAME', message, task)
  redis.call('HSET', task, ...)
end

local function milliseconds_ahead(mode, milliseconds)
  if mode == 'at' then
    return milliseconds - now_ms
  end
  return mode == 'in' and milliseconds or 0
end

-- Here and below the sorted set comes first: where somebody else made another type of its key, nothing is left behind.
local function put(task, id, message, ahead)
  if ahead <= 0 then
    write(task, message, 'state', 'pending', 'pending_since', now_ns)
    return note_stored(id)
  end
  local due = seconds_from_now(ahead)
  redis.call('ZADD', KEYS[2], whole(due), id)
  write(task, message, 'state', 'scheduled')
  return 2, due * 1000
end

local function put_into_group(task, id, message, group, name)
  redis.call('ZADD', group, whole(now_s), id)
  write(task, message, 'state', 'aggregating', 'group', name)
  redis.call('SADD', KEYS[4], name)
  return 3, NOW
end

-- What was read of a key that exists, '' where somebody else wrote what it should not be.
local function as_text(reply)
  return type(reply) == 'string' and reply or ''
end

local function state_of(task)
  if redis.call('EXISTS', task) == 0 then
    return nil
  end
  return as_text(redis.pcall('HGET', task, 'state'))
end

local function holder_of(lock)
  if redis.call('EXISTS', lock) == 0 then
    return nil
  end
  return as_text(redis.pcall('GET', lock))
end

-- Deletes a task that is over, with its result and with its lock if that is still its own.
local function make_room(state, task, id)
  redis.call('ZREM', state == 'archived' and KEYS[5] or KEYS[6], id)
  unlock(redis.call('HGET', task, 'unique_key'), id)
  redis.call('DEL', task)
end

-- Whole seconds until the task is due and has had its time; Redis refuses 0.
local function take_lock(lock, id, seconds, ahead)
  local wait = seconds_from_now(ahead) - now_s
  redis.call('SET', lock, id, 'EX', whole(math.max(wait + seconds, 1)))
end

-- Before its task, so that none is there without its lock; given back when the task is refused.
local function store_locked(lock, id, seconds, ahead, store)
  take_lock(lock, id, seconds, ahead)
  local is_done, status, fact = pcall(store)
  if not is_done then
    redis.call('DEL', lock)
    error(status)
  end
  redis.call('HSET', ARGV[2] .. id, 'unique_key', lock)
  return status, fact
end

-- A task with five more arguments, which begin at ARGV[i].
local function store_more(id, message, ahead, i)
  local lock, seconds, group, name = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
  local task = ARGV[2] .. id
  local old = state_of(task)
  local replaces = ARGV[i + 4] == '1' and (old == 'archived' or old == 'completed')
  local holder = lock ~= '' and holder_of(lock)
  if holder and not (replaces and holder == id) then
    return 4, holder
  elseif old and not replaces then
    return 0, old
  end
  if replaces then
    -- Redis takes any write after one that frees memory. When it is full, let it refuse before anything is lost.
    redis.call('HSET', task, 'msg', is_staged and '' or message)
    make_room(old, task, id)
  end
  local function store()
    if group ~= '' then
      return put_into_group(task, id, message, group, name)
    end
    return put(task, id, message, ahead)
  end
  if lock ~= '' then
    return store_locked(lock, id, seconds, ahead, store)
  end
  return store()
end

local function store_plain(id, message, ahead)
  local task = ARGV[2] .. id
  if redis.call('EXISTS', task) == 1 then
    return 0, state_of(task)
  end
  return put(task, id, message, ahead)
end

local function store_other(i)
  local mode, id, message = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local ahead = milliseconds_ahead(string.match(mode, '%a+'), tonumber(ARGV[i + 1]))
  if is_staged then
    if redis.call('HEXISTS', message, 'msg') == 0 then
      return 5, 'ERR the message was evicted before its task could be stored'
    end
    redis.call('PERSIST', message) -- before anything is stored: earlier versions did not need this right
  end
  if string.byte(mode) == 43 then -- '+'
    return store_more(id, message, ahead, i + 4)
  end
  return store_plain(id, message, ahead)
end

-- What Redis says of a command that it refuses: a table since Redis 7, text before.
local function refusal(failure)
  return tostring(type(failure) == 'table' and failure.err or failure)
end

-- A task that Redis refuses, for the type of a key of its group, say, keeps no other from being stored.
local function store_or_tell(i)
  is_staged = string.byte(ARGV[i], -1) == 42 -- '*'
  local is_done, status, fact = pcall(store_other, i)
  if not is_done then
    status, fact = 5, refusal(status)
  end
  if is_staged and (status == 0 or status > 3) then
    redis.call('UNLINK', ARGV[i + 3])
  end
  return status, fact
end

return store_or_tell, state_of
