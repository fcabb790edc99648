-- Stores new tasks of one queue: pending, scheduled or in a group, unique or not (protocol 8.1 to 8.7). Each task is
-- stored or refused by itself. A task is looked at before anything is written for it, so that one that is refused for its
-- ID leaves no lock behind (D3).
-- What a named call was answered is kept, so that the call is carried out once however often it comes: its repeat gets
-- the same answer, also when the tasks have been run and deleted meanwhile. What the hashes hold could not tell that,
-- nor whose they are.
-- One plain task, the commonest call, has a way of its own, which ends before all else: Redis runs the whole text of a
-- script at each call, and each function that it meets costs.
--
-- KEYS[1]  pending
-- KEYS[2]  scheduled
-- KEYS[3]  what the keys begin with that hold the answers to the latest calls of one caller; ':' and a slot follow. Not
--          looked at for a call without a name
-- KEYS[4]  groups; this one and the next two only where a task has the five arguments more
-- KEYS[5]  archived
-- KEYS[6]  completed
-- and, where ARGV[6] is given, the last one: the names of all queues
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  slot of the call, or '' for a call without a name; '<slot>.<place>' where it repeats one task of the larger call
--          in that slot, by its place from 1
-- ARGV[4]  number of the call, fifteen digits, which grows from call to call of a slot
-- ARGV[5]  seconds for which the answer is kept
-- ARGV[6]  name of the queue, to be registered in the same step; '' in a Cluster, where another server may have the names
-- then     a number, and so many tasks without a wish: two for each, id and message
--          or for one task four: mode ('now', 'at', 'in'), milliseconds (since 1970 for 'at', from now for 'in'), id,
--          message, or where the mode ends with '*' the key of a hash that holds it and becomes the task's;
--          and behind these, where the mode begins with '+', five more:
--          lock or '', seconds for which it is held once the task is due, set of the group or '', name of the group,
--          '1' = a task with this ID that is archived or completed makes room
--          and so on
-- Returns  two per task: 1 = pending, 2 = scheduled, 3 = aggregating, and the instant in milliseconds (the due time for
--          scheduled, else now); 0 = the ID exists, and its state; 4 = the lock is held, and by which task; 5 = refused by
--          Redis, and its words. Or one number, now, where all of them became pending

-- include: time

local SLOT, NUMBER = ARGV[3], ARGV[4]
local is_named = SLOT ~= ''
local ANSWER = is_named and KEYS[3] .. ':' .. SLOT
local NOW = math.floor(now_ms)

-- As with asynq a queue is known by its name once something was to be stored in it, also when that was refused. At every
-- call: a queue that was removed meanwhile would stay invisible otherwise (trap 27).
if ARGV[6] ~= '' then
  redis.call('SADD', KEYS[#KEYS], ARGV[6])
end

-- One plain task, of a call that is no repeat of a part of a larger one.
local is_one = ARGV[7] == '1' and not ARGV[10] and not string.find(SLOT, '.', 1, true)
local task = ARGV[2] .. (is_one and ARGV[8] or '')
if is_one and redis.call('EXISTS', task) == 0 then
  -- Its answer is written and the one before it read in one step, and put back where this call is not the latest one:
  -- numbers of one length are in the order of their texts.
  local before = is_named and redis.call('SET', ANSWER, NUMBER .. '=' .. NOW, 'EX', ARGV[5], 'GET')
  local is_latest = not before or before < NUMBER
  local written = is_latest and redis.pcall('HSET', task, 'msg', ARGV[9], 'state', 'pending', 'pending_since', now_ns)
  local listed = written == 3 and redis.pcall('LPUSH', KEYS[1], ARGV[8])
  if type(listed) == 'number' then
    return NOW
  end
  if before then
    redis.call('SET', ANSWER, before, 'EX', ARGV[5])
  elseif is_named then
    redis.call('DEL', ANSWER)
  end
  if is_latest then -- refused, for the type of the list or for lack of rights: nothing is left of it
    redis.call('DEL', task)
    return listed or written
  end
end

-- include: due
-- include: text
-- include: unlock

local function wishes(note_stored)
-- include: wishes
end

-- include: store

-- What the call in a slot was answered: its number, and '=' and one instant for all its tasks, or ' ' and all that was
-- answered. A slot is used again once its caller has the answer: a call that was held up on its way so long that a later
-- one stands there has nobody left who waits for it.
local function recall(kept)
  local number, kind, answer = string.match(kept, '^(%d+)([= ])(.*)$')
  if number < NUMBER then
    return nil
  elseif number > NUMBER then
    return redis.error_reply('STALE the call was repeated and answered')
  end
  return kind == '=' and tonumber(answer) or cmsgpack.unpack(answer)
end

-- Of a larger call only the answer for one of its tasks.
local function recall_part(kept, place)
  local answer = recall(kept)
  if type(answer) == 'number' then
    return { 1, answer }
  elseif not answer or answer.err then
    return answer
  end
  return { answer[2 * place - 1], answer[2 * place] }
end

if is_named then
  local kept = redis.call('GET', ANSWER)
  local answer = kept and recall(kept)
  local larger, place = string.match(SLOT, '^(.+)%.(%d+)$')
  if not answer and larger then
    kept = redis.call('GET', KEYS[3] .. ':' .. larger)
    answer = kept and recall_part(kept, tonumber(place))
  end
  if answer then
    return answer
  end
end

-- A key of another type is refused here: what is stored goes into it at the very end.
redis.call('LLEN', KEYS[1])
local replies, i = {}, 7
while i <= #ARGV do
  i = store_next(i, replies)
end
push_stored()
local answer = 2 * stored_count == #replies and NOW or replies
if is_named then
  -- After the tasks: Redis refuses the first write of a script when its memory is full, and none after it.
  local kept = answer == NOW and '=' .. NOW or ' ' .. cmsgpack.pack(answer)
  redis.call('SET', ANSWER, NUMBER .. kept, 'EX', ARGV[5])
end
return answer
