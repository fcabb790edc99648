-- Moves the oldest tasks of a group into a new aggregation set, if the group is to be aggregated now (protocol 11.2). A
-- group that fits is moved whole, which costs nothing; of a larger one some hundreds go per call, which is to be repeated
-- until the set has enough: asynq moves all at once and holds up Redis with it.
--
-- KEYS[1]  groups
-- KEYS[2]  aggregation_sets
-- KEYS[3]  the group
-- KEYS[4]  the set
-- ARGV[1]  time offset in seconds
-- ARGV[2]  name of the group
-- ARGV[3]  grace period in seconds
-- ARGV[4]  longest delay in seconds, 0 = none
-- ARGV[5]  largest size, 0 = none
-- ARGV[6]  most tasks in the set
-- ARGV[7]  seconds until the set goes stale
-- Returns  how many the set holds, and how many are left in the group

-- include: time
-- include: text
-- include: group-due

local STEP = 500

local rules = { grace = tonumber(ARGV[3]), max_delay = tonumber(ARGV[4]), max_size = tonumber(ARGV[5]) }
local most = tonumber(ARGV[6])

local function list_set()
  redis.call('ZADD', KEYS[2], whole(now_s + tonumber(ARGV[7])), KEYS[4])
end

local function move(count)
  local moved = {}
  local entries = redis.call('ZRANGE', KEYS[3], 0, count - 1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    moved[i] = entries[i + 1]
    moved[i + 1] = entries[i]
  end
  redis.call('ZADD', KEYS[4], unpack(moved))
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, count - 1)
end

local size = redis.call('ZCARD', KEYS[3])
local staged = redis.call('ZCARD', KEYS[4])
local is_new = staged == 0
-- A set of which a part is moved is not looked at again, unless others have reclaimed it meanwhile.
if is_new and (size == 0 or not is_due(KEYS[3], size, rules)) then
  return { 0, size }
elseif not is_new and not redis.call('ZSCORE', KEYS[2], KEYS[4]) then
  return { 0, size }
end

-- First, so that a full Redis refuses before anything is moved.
list_set()
if is_new and size <= most then
  redis.call('RENAME', KEYS[3], KEYS[4])
  staged, size = size, 0
else
  local count = math.min(most - staged, size, STEP)
  if count > 0 then
    move(count)
  end
  staged, size = staged + count, size - count
end
if size == 0 then
  redis.call('SREM', KEYS[1], ARGV[2])
end
return { staged, size }
