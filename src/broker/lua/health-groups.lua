-- Compares the names of groups with their sets. Mends one way or the other, if it is to: a name without tasks leaves the
-- list (trap 8), tasks without a name come into it (trap 35, D1, D2).
--
-- KEYS[1]  groups
-- KEYS[2]  aggregation_sets
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  prefix of group sets
-- ARGV[3]  'look' or 'drop' for names that are listed: those without tasks are; 'find' or 'list' for those that are not
-- ARGV[4]  the names from here on
-- Returns  for each name two numbers: its tasks (0 for a set that is staged, or is listed after all), and 1 when mended

local ACT = ARGV[3]

local function size_of(name)
  local key = ARGV[2] .. name
  local size = redis.pcall('ZCARD', key)
  if type(size) ~= 'number' or redis.call('ZSCORE', KEYS[2], key) then
    return 0
  end
  return size
end

-- Not so for a staged set that its list has lost: its name goes on behind that of the group.
local function is_named_so(name)
  local id = redis.call('ZRANGE', ARGV[2] .. name, 0, 0)[1]
  return id and redis.call('HGET', ARGV[1] .. id, 'group') == name
end

local function look_at_listed(name)
  local size = size_of(name)
  return size, ACT == 'drop' and size == 0 and redis.call('SREM', KEYS[1], name) or 0
end

local function look_at_unlisted(name)
  local size = size_of(name)
  if size == 0 or redis.call('SISMEMBER', KEYS[1], name) == 1 or not is_named_so(name) then
    return 0, 0
  end
  return size, ACT == 'list' and redis.call('SADD', KEYS[1], name) or 0
end

local look_at = (ACT == 'look' or ACT == 'drop') and look_at_listed or look_at_unlisted
local found = {}
for i = 4, #ARGV do
  local size, mended = look_at(ARGV[i])
  found[#found + 1] = size
  found[#found + 1] = mended
end
return found
