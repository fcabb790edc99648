-- Tells which of some task hashes are in no container. Changes nothing.
--
-- KEYS[1]  pending
-- KEYS[2]  active
-- KEYS[3]  lease
-- KEYS[4]  scheduled
-- KEYS[5]  retry
-- KEYS[6]  archived
-- KEYS[7]  completed
-- KEYS[8]  aggregation_sets
-- KEYS[9]  sets of tasks that were aggregated and are about to be deleted (close-group.lua)
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  prefix of group sets
-- ARGV[3]  nanoseconds; tasks that are pending since later are passed by
-- ARGV[4]  the IDs from here on
-- Returns  { ID, state, ... }

-- include: hash

local ENDS = 2000 -- of a long list: a task that came or came back since it was looked at stands near one of its ends
local SETS = { lease = KEYS[3], scheduled = KEYS[4], retry = KEYS[5], archived = KEYS[6], completed = KEYS[7] }
local staged

local function is_near_an_end(list, id)
  return redis.call('LPOS', list, id, 'MAXLEN', ENDS) or redis.call('LPOS', list, id, 'RANK', -1, 'MAXLEN', ENDS)
end

local function is_in_group(id, group)
  if group and redis.call('ZSCORE', ARGV[2] .. group, id) then
    return true
  end
  staged = staged or { redis.call('ZRANGE', KEYS[8], 0, 999), redis.call('ZRANGE', KEYS[9], 0, 999) }
  for _, keys in ipairs(staged) do
    for _, key in ipairs(keys) do
      if redis.call('ZSCORE', key, id) then
        return true
      end
    end
  end
  return false
end

local function is_in_any_set(id)
  for _, key in pairs(SETS) do
    if redis.call('ZSCORE', key, id) then
      return true
    end
  end
  return false
end

local function is_elsewhere(id, fields)
  return is_in_any_set(id) or is_near_an_end(KEYS[1], id) or is_near_an_end(KEYS[2], id) or is_in_group(id, fields[2])
end

local found = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local task = ARGV[1] .. id
  if is_hash(task) then
    local fields = redis.call('HMGET', task, 'state', 'group', 'pending_since')
    local since = tonumber(fields[3] or '')
    if not (since and since > tonumber(ARGV[3])) and not is_elsewhere(id, fields) then
      found[#found + 1] = id
      found[#found + 1] = fields[1] or ''
    end
  end
end
return found
