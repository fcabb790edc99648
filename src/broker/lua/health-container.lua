-- Looks at one part of a container of a queue: which of its IDs have no hash (trap 8), or a hash in another state, or a
-- score that is no second (traps 1, 3). In one step from the newest entries on: what comes while the look goes on is then
-- seen twice, and nothing is left out. Changes nothing, unless it is to mend: then IDs without hash leave the container.
--
-- KEYS[1]  the container
-- KEYS[2]  lease
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  'list', 'zset', or 'active' for the list whose IDs are to have a lease
-- ARGV[3]  the state that the tasks are to have
-- ARGV[4]  position of the first entry
-- ARGV[5]  entries to look at
-- ARGV[6]  '1' = mend
-- Returns  { position of the next part or -1, IDs taken out, IDs, flaws }: of each flaw its kind ('gone', 'state',
--          'score', 'unleased', 'empty'), the ID, and what was found

-- include: hash
-- include: allow-oom

local KIND, WANTED, FROM, COUNT, MENDS = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local LATEST = 100000000000 -- seconds; far behind any instant that is meant so
-- Entries of a list that may be passed by in one call to take some out: that costs about 10 ns each.
local budget = 300000

local flaws, removed = {}, 0

local function add(kind, id, detail)
  local at = #flaws
  flaws[at + 1] = kind
  flaws[at + 2] = id
  flaws[at + 3] = detail
end

local function take_out(id, position)
  if KIND == 'zset' then
    redis.call('ZREM', KEYS[1], id)
    return
  end
  local behind = redis.call('LLEN', KEYS[1]) - position
  budget = budget - math.min(position, behind)
  redis.call('LREM', KEYS[1], position < behind and 1 or -1, id)
end

local function look_at_hash(id)
  local task = ARGV[1] .. id
  local state = redis.pcall('HGET', task, 'state')
  if state == WANTED then
    if KIND == 'active' and redis.call('HEXISTS', task, 'msg') == 0 then
      add('empty', id, '')
    end
    return true
  end
  if type(state) == 'string' then
    add('state', id, state)
    return true
  end
  if is_hash(task) then
    add('state', id, '')
    return true
  end
  return false
end

local function look_at_place(id, score)
  if KIND == 'active' and not redis.call('ZSCORE', KEYS[2], id) then
    add('unleased', id, '')
  end
  if score and (not string.match(score, '^%-?%d+$') or tonumber(score) > LATEST) then
    add('score', id, score)
  end
end

if MENDS then
  allow_oom(KEYS[2])
end
local entries
local step = 1
if KIND == 'zset' then
  step = 2
  entries = redis.call('ZRANGE', KEYS[1], FROM, FROM + COUNT - 1, 'REV', 'WITHSCORES')
else
  entries = redis.call('LRANGE', KEYS[1], FROM, FROM + COUNT - 1)
end

local ids = {}
for i = 1, #entries, step do
  local id = entries[i]
  ids[#ids + 1] = id
  if look_at_hash(id) then
    look_at_place(id, step == 2 and entries[i + 1])
  else
    add('gone', id, '')
    if MENDS then
      take_out(id, FROM + #ids - 1 - removed)
      removed = removed + 1
      if budget <= 0 then
        break
      end
    end
  end
end

local is_end = #entries < COUNT * step and #ids * step == #entries
return { is_end and -1 or FROM + #ids - removed, removed, ids, flaws }
