-- Runs, archives or deletes tasks by their IDs, in whatever state they are (protocol 14.1, 14.4, 14.6). Stops early when
-- it has looked through much of `pending`.
--
-- KEYS[1]  pending
-- KEYS[2]  scheduled
-- KEYS[3]  retry
-- KEYS[4]  archived
-- KEYS[5]  completed
-- KEYS[6]  groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  prefix of group sets
-- ARGV[4]  what to do: 'run', 'archive' or 'delete'
-- then the IDs
-- Returns  for as many tasks as were tried, at least one: 1 = done; '' = there is none; 'deep' = it is in the midst of a long
--          `pending`, where to look for it would take too long; 'away:' and a state =
--          it is not where this state says; else the state
--          in which this cannot be done

-- include: time
-- include: text
-- include: hash
-- include: unlock
-- include: release-lock
-- include: change
-- include: trim-archive
-- include: allow-oom

local PENDING, ARCHIVED, GROUPS = KEYS[1], KEYS[4], KEYS[6]
local ACTION = ARGV[4]
local DEEPEST = 20000 -- entries of `pending` that are looked through from either end: a millisecond or less for each
local MOST = 40000 -- entries of `pending` that one call looks through, when several tasks are in it

local REFUSED = {
  run = { active = true, pending = true },
  archive = { active = true, archived = true },
  delete = { active = true },
}
local SETS = { scheduled = KEYS[2], retry = KEYS[3], archived = ARCHIVED, completed = KEYS[5] }

allow_oom(ARCHIVED)
local looked = 0

local function take_pending(id)
  local length = redis.call('LLEN', PENDING)
  for _, rank in ipairs({ 1, -1 }) do
    looked = looked + math.min(length, DEEPEST)
    if redis.call('LPOS', PENDING, id, 'RANK', rank, 'MAXLEN', DEEPEST) then
      redis.call('LREM', PENDING, rank, id)
      return 1
    end
    if length <= DEEPEST then
      return 'away'
    end
  end
  return length > 2 * DEEPEST and 'deep' or 'away'
end

local function take_from_group(task, id)
  local group = redis.call('HGET', task, 'group') or ''
  local key = ARGV[3] .. group
  if redis.call('ZREM', key, id) == 0 then
    return 'away' -- staged: it is being aggregated
  end
  if redis.call('ZCARD', key) == 0 then
    redis.call('SREM', GROUPS, group)
  end
  return 1
end

local function take(task, id, state)
  if state == 'pending' then
    return take_pending(id)
  elseif state == 'aggregating' then
    return take_from_group(task, id)
  elseif not SETS[state] or redis.call('ZREM', SETS[state], id) == 0 then
    return 'away'
  end
  return 1
end

local function try(id)
  local task = ARGV[2] .. id
  if not is_hash(task) then
    return ''
  end
  local state = redis.call('HGET', task, 'state') or ''
  if REFUSED[ACTION][state] then
    return state
  end
  local taken = take(task, id, state)
  if taken == 1 then
    change[ACTION](task, id, PENDING, ARCHIVED)
  end
  return taken == 'away' and 'away:' .. state or taken
end

local replies = {}
for i = 5, #ARGV do
  replies[#replies + 1] = try(ARGV[i])
  if looked >= MOST then
    break
  end
end
if ACTION == 'archive' then
  trim_archive(ARCHIVED, ARGV[2], #replies + 100)
end
return replies
