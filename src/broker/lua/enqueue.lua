-- Stores new tasks of one queue, pending or scheduled (protocol 8.1, 8.3, 8.7). Each task is stored or refused by itself.
-- What a named call was answered is kept, so that the call is carried out once however often it comes: its repeat gets
-- the same answer, also when the tasks have been run and deleted meanwhile. What the hashes hold could not tell that,
-- nor whose they are.
--
-- KEYS[1]  pending
-- KEYS[2]  scheduled
-- KEYS[3]  answers to the calls of one caller, by slot; none for a call without a name
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  slot of the call, or '' for a call without a name
-- ARGV[4]  number of the call, which grows from call to call of a slot
-- ARGV[5]  seconds for which the answer is kept
-- ARGV[6]  slot of the larger call of which this one repeats one task, or ''
-- ARGV[7]  the place of that task in it, from 1
-- then four per task:
--          id, message, mode ('now', 'at', 'in'), milliseconds (since 1970 for 'at', from now for 'in')
-- Returns  two numbers per task: 0 = the ID exists, 1 = pending, 2 = scheduled; and the instant in milliseconds
--          (now for pending, the due time for scheduled, 0 for an existing ID)

-- include: time
-- include: text

local CALLS, SLOT, NUMBER = KEYS[3], ARGV[3], tonumber(ARGV[4])

-- What the call in this slot was answered. A slot is used again once its caller has the answer: a call that was held up
-- on its way so long that a later one stands there has nobody left who waits for it.
local function recall(slot)
  local kept = redis.call('HGET', CALLS, slot)
  if not kept then
    return nil
  end
  local at = string.find(kept, ' ', 1, true)
  local number = tonumber(string.sub(kept, 1, at - 1))
  if number < NUMBER then
    return nil
  elseif number > NUMBER then
    return redis.error_reply('STALE the call was repeated and answered')
  end
  return cmsgpack.unpack(string.sub(kept, at + 1))
end

local function recall_one(slot, place)
  local answer = recall(slot)
  if not answer or answer.err then
    return answer
  end
  return { answer[2 * place - 1], answer[2 * place] }
end

-- After the tasks: Redis refuses the first write of a script when its memory is full, and none after it.
local function keep(answer)
  redis.call('HSET', CALLS, SLOT, ARGV[4] .. ' ' .. cmsgpack.pack(answer))
  redis.call('EXPIRE', CALLS, ARGV[5])
end

local function milliseconds_ahead(mode, milliseconds)
  if mode == 'at' then
    return milliseconds - now_ms
  end
  return mode == 'in' and milliseconds or 0
end

local function store(id, message, ahead)
  local task = ARGV[2] .. id
  if redis.call('EXISTS', task) == 1 then
    return 0, 0
  end
  if ahead > 0 then
    local due = seconds_from_now(ahead)
    redis.call('HSET', task, 'msg', message, 'state', 'scheduled')
    redis.call('ZADD', KEYS[2], whole(due), id)
    return 2, due * 1000
  end
  redis.call('HSET', task, 'msg', message, 'state', 'pending', 'pending_since', now_ns)
  redis.call('LPUSH', KEYS[1], id)
  return 1, math.floor(now_ms)
end

if SLOT ~= '' then
  local answer = recall(SLOT)
  if not answer and ARGV[6] ~= '' then
    answer = recall_one(ARGV[6], tonumber(ARGV[7]))
  end
  if answer then
    return answer
  end
end

local replies = {}
for i = 8, #ARGV, 4 do
  local ahead = milliseconds_ahead(ARGV[i + 2], tonumber(ARGV[i + 3]))
  local status, at = store(ARGV[i], ARGV[i + 1], ahead)
  replies[#replies + 1] = status
  replies[#replies + 1] = at
end
if SLOT ~= '' then
  keep(replies)
end
return replies
