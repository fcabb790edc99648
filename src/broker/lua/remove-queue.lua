-- Removes a queue in steps (protocol 14.9). The first pauses it, so that no task is leased while its tasks are deleted, some
-- with each step. The step that deletes the last ones removes all else in the same go: what producers add after that makes
-- a new queue. Nothing is deleted while a task is active.
--
-- KEYS[1]  active
-- KEYS[2]  pending
-- KEYS[3]  scheduled
-- KEYS[4]  retry
-- KEYS[5]  archived
-- KEYS[6]  completed
-- KEYS[7]  groups
-- KEYS[8]  aggregation sets
-- KEYS[9]  lease
-- KEYS[10] paused
-- KEYS[11] processed
-- KEYS[12] failed
-- KEYS[13] sets of tasks that were aggregated and are about to be deleted (close-group.lua)
-- ARGV[1]  time offset in seconds
-- ARGV[2]  'look', 'pause' or 'remove'
-- ARGV[3]  prefix of task hashes
-- ARGV[4]  prefix of group sets
-- ARGV[5]  how many are deleted at most, to remove it
-- ARGV[6]  '1': only completed ones
-- Returns  { what it holds (before that): 'active', 'tasks', 'completed' or 'nothing'; 1 when this call paused or removed
--            it, else 0; how many tasks it holds, those in groups aside; how many were deleted }

-- include: time
-- include: text
-- include: day
-- include: unlock
-- include: release-lock
-- include: allow-oom

allow_oom(KEYS[3])
local COUNTER_DAYS = 91
local ACTIVE, PENDING, COMPLETED, GROUPS, STAGED = KEYS[1], KEYS[2], KEYS[6], KEYS[7], KEYS[8]
local AGGREGATED = KEYS[13]

local function waiting()
  return redis.call('LLEN', PENDING) + redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[4])
    + redis.call('ZCARD', KEYS[5])
end

local function what_it_holds()
  if redis.call('LLEN', ACTIVE) > 0 then
    return 'active'
  elseif waiting() + redis.call('SCARD', GROUPS) + redis.call('ZCARD', STAGED) > 0 then
    return 'tasks'
  end
  return redis.call('ZCARD', COMPLETED) > 0 and 'completed' or 'nothing'
end

local function pause()
  if redis.call('EXISTS', KEYS[10]) == 1 then
    return 0
  end
  redis.call('SET', KEYS[10], whole(now_s))
  return 1
end

local left, deleted = tonumber(ARGV[5]) or 0, 0

local function delete(ids)
  for _, id in ipairs(ids) do
    local task = ARGV[3] .. id
    if redis.call('TYPE', task).ok == 'hash' then
      release_lock(task, id)
    end
    redis.call('DEL', task)
  end
  left = left - #ids
  deleted = deleted + #ids
end

local function drain_list(key)
  if left <= 0 then
    return -- a stop of -1 would be the end of the list
  end
  local ids = redis.call('LRANGE', key, 0, left - 1)
  delete(ids)
  redis.call('LTRIM', key, #ids, -1)
end

local function drain_set(key)
  if left <= 0 then
    return
  end
  local ids = redis.call('ZRANGE', key, 0, left - 1)
  delete(ids)
  if #ids > 0 then
    redis.call('ZREMRANGEBYRANK', key, 0, #ids - 1)
  end
end

-- The groups by name, and the sets in which some are staged by their whole keys.
local function drain_groups()
  while left > 0 do
    local group = redis.call('SRANDMEMBER', GROUPS)
    if not group then
      return
    end
    drain_set(ARGV[4] .. group)
    left = left - 1
    if redis.call('ZCARD', ARGV[4] .. group) == 0 then
      redis.call('SREM', GROUPS, group)
    end
  end
end

local function drain_sets_in(registry)
  while left > 0 do
    local key = redis.call('ZRANGE', registry, 0, 0)[1]
    if not key then
      return
    end
    drain_set(key)
    left = left - 1
    if redis.call('ZCARD', key) == 0 then
      redis.call('ZREM', registry, key)
    end
  end
end

local function drain()
  drain_sets_in(AGGREGATED)
  if ARGV[6] == '1' then
    drain_set(COMPLETED)
    return
  end
  drain_list(PENDING)
  for _, key in ipairs({ KEYS[3], KEYS[4], KEYS[5], COMPLETED }) do
    drain_set(key)
  end
  drain_groups()
  drain_sets_in(STAGED)
end

local function remove()
  drain()
  if what_it_holds() ~= 'nothing' or redis.call('ZCARD', AGGREGATED) > 0 then
    return 0
  end
  for day = 0, COUNTER_DAYS do
    local name = utc_day(now_s - day * 86400)
    redis.call('DEL', KEYS[11] .. ':' .. name, KEYS[12] .. ':' .. name)
  end
  redis.call('DEL', unpack(KEYS)) -- with KEYS[9]: without active tasks no lease counts
  return 1
end

local holds, total, done = what_it_holds(), waiting() + redis.call('ZCARD', COMPLETED), 0
if ARGV[2] == 'pause' and holds ~= 'active' then
  done = pause()
elseif ARGV[2] == 'remove' and holds ~= 'active' and not (holds == 'tasks' and ARGV[6] == '1') then
  done = remove()
end
return { holds, done, total, deleted }
