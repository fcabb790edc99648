-- Reads the figures of one queue (protocol 13.2, 13.3).
--
-- KEYS[1]  pending
-- KEYS[2]  active
-- KEYS[3]  scheduled
-- KEYS[4]  retry
-- KEYS[5]  archived
-- KEYS[6]  completed
-- KEYS[7]  paused
-- KEYS[8]  processed
-- KEYS[9]  failed
-- KEYS[10] groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  prefix of group sets
-- Returns  { lengths of the six containers in the order of KEYS, aggregating, is paused (1 or 0), bytes,
--            processed or nil, failed or nil, pending_since of the next task or nil, now in nanoseconds,
--            processed and failed of this UTC day or nil, groups }

-- include: time
-- include: day

local SAMPLE = 20
local SAMPLED_GROUPS = 5

-- 0 for what is gone, and where the command is forbidden: asynq up to 0.26.0 fails here (trap 8).
local function bytes_of(key)
  local bytes = redis.pcall('MEMORY', 'USAGE', key)
  return type(bytes) == 'number' and bytes or 0
end

local function hashes_bytes(ids)
  local sum = 0
  for _, id in ipairs(ids) do
    sum = sum + bytes_of(ARGV[2] .. id)
  end
  return sum
end

local function estimate(container, ids, length)
  if #ids == 0 then
    return 0
  end
  return hashes_bytes(ids) / #ids * length + bytes_of(container)
end

local lengths, bytes = {}, 0
for i = 1, 2 do
  lengths[i] = redis.call('LLEN', KEYS[i])
  bytes = bytes + estimate(KEYS[i], redis.call('LRANGE', KEYS[i], 0, SAMPLE - 1), lengths[i])
end
for i = 3, 6 do
  lengths[i] = redis.call('ZCARD', KEYS[i])
  bytes = bytes + estimate(KEYS[i], redis.call('ZRANGE', KEYS[i], 0, SAMPLE - 1), lengths[i])
end

-- Of the groups only tasks whose hash is there are sampled, and the group sets themselves are not counted.
local groups = redis.call('SMEMBERS', KEYS[10])
local aggregating, sampled, sampled_bytes = 0, 0, 0
for position, group in ipairs(groups) do
  local key = ARGV[3] .. group
  aggregating = aggregating + redis.call('ZCARD', key)
  if position <= SAMPLED_GROUPS then
    for _, id in ipairs(redis.call('ZRANGE', key, 0, SAMPLE - 1)) do
      local size = bytes_of(ARGV[2] .. id)
      if size > 0 then
        sampled = sampled + 1
        sampled_bytes = sampled_bytes + size
      end
    end
  end
end
if sampled > 0 then
  bytes = bytes + sampled_bytes / sampled * aggregating
end

local since = false
local next_id = redis.call('LRANGE', KEYS[1], -1, -1)[1]
if next_id then
  since = redis.call('HGET', ARGV[2] .. next_id, 'pending_since')
end

local today = utc_day(now_s)
return {
  lengths[1], lengths[2], lengths[3], lengths[4], lengths[5], lengths[6],
  aggregating,
  redis.call('EXISTS', KEYS[7]),
  math.floor(bytes),
  redis.call('GET', KEYS[8]),
  redis.call('GET', KEYS[9]),
  since,
  now_ns,
  redis.call('GET', KEYS[8] .. ':' .. today),
  redis.call('GET', KEYS[9] .. ':' .. today),
  #groups,
}
