-- Ends the attempt of active tasks of one queue: done, complete, retry, archive, requeue (protocol 9.2 to 9.6).
-- A task is touched only while its ID is in `active` and its lease is the caller's: one that its token names (`own`), one
-- that is over (`expired`), or one that is missing (`unleased`). What belongs to the attempt ends with it: its token, a
-- cancel request. What the deaths of threads and processes left is kept until the task succeeds. What a task that is kept
-- has to show of its attempts is added.
--
-- Tasks are looked at one after the other, but those that are done are written together at the end, in a few calls for
-- all of them: the calls are what a settlement costs. Nobody sees the script's middle, and an error before the end leaves
-- them as they were. What only other outcomes and other servers' tasks need stands in one function: Redis runs the whole text of
-- a script at each call, and each function that it meets costs.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- KEYS[3]  pending
-- KEYS[4]  retry
-- KEYS[5]  archived
-- KEYS[6]  completed
-- KEYS[7]  processed (its daily key is derived)
-- KEYS[8]  failed (its daily key is derived)
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  'own', 'expired' or 'unleased'
-- ARGV[4]  own: the server
-- ARGV[5]  expired: seconds that a lease must be over whose token holds
-- ARGV[6]  expired: seconds that any other lease must be over
-- ARGV[7]  JSON, which costs less than an argument each: [id, holder, 1 where twelve values follow below, else 0, ...], the
--          holder being, own: the run; expired: the token that was seen to hold or ''; unleased: the token seen or ''
-- ARGV[8]  own: how many runs of the server have begun, then so many times ID, run and beginning (see begun)
-- then twelve per task that is not just done:
--          kind, unique key or '', message head, tag of the instant or '', message tail,
--          number (complete: retention in seconds; retry: delay in milliseconds; else 0),
--          flag (complete: '1' = there is a result; retry: '1' = counts; else '0'), result or '',
--          mark ('crash', 'suspect', 'return' or ''),
--          key of what is staged or '', its fields (see staged; head, tag, tail and result are '' then),
--          '6' = six more values follow, for the attempt is kept (see attempts and report); else '0'
-- Returns  one digit per task: 1 = settled, 0 = lost, 2 = nothing was done, as what was to be staged is not there; and '+'
--          when the archive is to be trimmed further

-- include: time
-- include: text
-- include: day
-- include: counters
-- include: unlock

local ACTIVE, LEASE, PENDING, RETRY = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ARCHIVED, COMPLETED, PROCESSED, FAILED = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local PREFIX, MODE, SERVER = ARGV[2], ARGV[3], ARGV[4]
local VALUES = 1000 -- of a command: `unpack` of 8000 or more values raises an error

local entries, notes = cjson.decode(ARGV[7]), tonumber(ARGV[8])
local scores, rare, release, has_hash = {}, nil, nil, nil
local has_archived = false

local function rarities()
-- include: due
-- include: stamp
-- include: trim-archive
-- include: archive
-- include: hash
-- include: held
-- include: count
-- include: begun
-- include: note-begun
-- include: attempts
-- include: report
-- include: staged
-- include: allow-oom

-- Whether a token holds does not change between the look and the act of a recoverer without the token or the score
-- changing, so that both are read again here.
local is_free = {}

function is_free.expired(id, task, seen)
  local score = scores[id]
  local token = score and holding_token(task, score)
  if not score or (token or '') ~= seen then
    return false
  end
  return tonumber(score) <= now_s - tonumber(token and ARGV[5] or ARGV[6])
end

function is_free.unleased(id, task, seen)
  return not scores[id] and (token_of(task) or '') == seen
end

-- include: kept
allow_oom(LEASE)
return { is_free = is_free, is_hash = is_hash, settle_kept = settle_kept, note_begun = note_begun,
  trim = function()
    return trim_archive(ARCHIVED, PREFIX, TRIM_STEP)
  end }
end

if notes > 0 or MODE ~= 'own' then
  rare = rarities()
  rare.note_begun(SERVER, LEASE, PREFIX, 9, notes)
end

-- The scores by ID, `false` where there is none. What is released has none any more.
local ids = {}
for i = 1, #entries, 3 do
  ids[#ids + 1] = entries[i]
end
for from = 1, #ids, VALUES do
  local found = redis.call('ZMSCORE', LEASE, unpack(ids, from, math.min(from + VALUES - 1, #ids)))
  for i = 1, #found do
    scores[ids[from + i - 1]] = found[i]
  end
end

-- The end of `active`, or all of it, and how often each ID of this call is there; nothing where the list is so long that
-- looking for each is cheaper. Tasks end about in the order in which they were leased, so that its end has them nearly
-- always. That is enough where each is there once and `active` is as long as `lease`: an ID that is in the list twice makes
-- it longer. (One behind which a lease without entry hides stays, without lease and hash, until `unleased` drops it.)
local times, list

local function look_at_active(from)
  list, times = redis.call('LRANGE', ACTIVE, from, -1), {}
  for i = 1, #list do
    local id = list[i]
    if scores[id] ~= nil then
      times[id] = (times[id] or 0) + 1
    end
  end
end

local function are_at_the_end()
  for i = 1, #ids do
    if scores[ids[i]] and times[ids[i]] ~= 1 then
      return false
    end
  end
  return true
end

if #ids > 1 then
  local length, near = redis.call('LLEN', ACTIVE), 2 * #ids + 16
  if near < length and redis.call('ZCARD', LEASE) == length then
    look_at_active(-near)
  end
  if not times or not are_at_the_end() then
    list, times = nil, nil
    if length <= 33 * #ids then
      look_at_active(0)
    end
  end
end

local function may_take(id, task, holder)
  if MODE ~= 'own' then
    return rare.is_free[MODE](id, task, holder)
  end
  local score = scores[id] -- and then as in held_at
  return score and redis.pcall('HGET', task, 'threadmill_lease') == SERVER .. ' ' .. holder .. ' ' .. score
end

-- IDs that this call has released: `'out'`, or `'listed'` where they are still to be taken out of `active`, and those.
local left, released, has_out = {}, {}, false
-- Of tasks that are done and not yet written: their keys, and locks and IDs by turns.
local done, locks = {}, {}

-- Takes a task that is the caller's out of `active` and `lease`, or notes that it is to be: for what is done, nothing of
-- which is written before the end. Nothing is written of a task that is not active.
function release(id, task, holder, is_done)
  if not may_take(id, task, holder) or left[id] then
    return false
  end
  if times and is_done then
    left[id] = times[id] and 'listed'
  else
    left[id] = redis.call('LREM', ACTIVE, 0, id) > 0 and 'out'
    has_out = true
  end
  if not left[id] then
    return false
  end
  if is_done then
    released[#released + 1] = id
  else
    redis.call('ZREM', LEASE, id)
  end
  return true
end

-- Most are at the end of the list; an ID that is there more than once goes everywhere.
local function leave_active()
  local rest = list
  if has_out then
    rest = {}
    for _, id in ipairs(list) do
      if left[id] ~= 'out' then
        rest[#rest + 1] = id
      end
    end
  end
  local last = #rest
  while last > 0 and left[rest[last]] do
    last = last - 1
  end
  redis.call('LTRIM', ACTIVE, 0, last - #rest - 1)
  for i = last, 1, -1 do
    local id = rest[i]
    if left[id] == 'listed' then
      redis.call('LREM', ACTIVE, times[id] == 1 and -1 or 0, id)
      left[id] = 'out'
    end
  end
end

-- Its first write frees memory, so that Redis lets the others pass when it is full.
local function write_done()
  if #released == 0 then
    return
  end
  if times then
    leave_active()
  end
  for from = 1, #released, VALUES do
    redis.call('ZREM', LEASE, unpack(released, from, math.min(from + VALUES - 1, #released)))
  end
  for from = 1, #done, VALUES do
    redis.call('DEL', unpack(done, from, math.min(from + VALUES - 1, #done)))
  end
  count_processed(PROCESSED, #done)
  for i = 1, #locks, 2 do
    unlock(locks[i], locks[i + 1])
  end
  released, done, locks = {}, {}, {}
end

-- Without its hash a task cannot be settled, only forgotten: writing would make half a hash (trap 15). A token of our own
-- stands in one.
function has_hash(task)
  return MODE == 'own' or rare.is_hash(task)
end

local function settle_done(id, task, holder, unique_key)
  local is_released = release(id, task, holder, true)
  local is_settled = is_released and has_hash(task)
  if is_settled then
    done[#done + 1] = task
    if unique_key ~= '' then
      locks[#locks + 1] = unique_key
      locks[#locks + 1] = id
    end
  end
  if is_released and not times then
    write_done()
  end
  return is_settled
end

local replies = {}
local at = 9 + 3 * notes
for i = 1, #entries, 3 do
  local id, holder = entries[i], entries[i + 1]
  local task = PREFIX .. id
  local reply
  if entries[i + 2] == 0 then
    reply = settle_done(id, task, holder, '') and '1' or '0'
  else
    if ARGV[at] == 'done' then
      reply = settle_done(id, task, holder, ARGV[at + 1]) and '1' or '0'
    else
      rare = rare or rarities()
      reply = rare.settle_kept(id, task, holder, at)
    end
    at = at + 12 + tonumber(ARGV[at + 11])
  end
  replies[#replies + 1] = reply
end
write_done()
if has_archived and rare.trim() then
  replies[#replies + 1] = '+'
end
return table.concat(replies)
