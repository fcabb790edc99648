-- Lists a range of the tasks in one state (protocol 13.6): pending and active ones in the order in which they were taken
-- or will be, oldest first; the others by ascending score.
--
-- KEYS[1]  the container
-- KEYS[2]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  the state
-- ARGV[3]  first entry, from 0
-- ARGV[4]  how many entries
-- Returns  { all entries, now in milliseconds, id, score or nil, ... }; the score of an active task is its lease's

-- include: time

local start, count = tonumber(ARGV[3]), tonumber(ARGV[4])

local function list_reversed()
  local found = { redis.call('LLEN', KEYS[1]), math.floor(now_ms) }
  local ids = redis.call('LRANGE', KEYS[1], -(start + count), -(start + 1))
  for i = #ids, 1, -1 do
    found[#found + 1] = ids[i]
    found[#found + 1] = ARGV[2] == 'active' and redis.call('ZSCORE', KEYS[2], ids[i])
  end
  return found
end

local function list_by_score()
  local found = { redis.call('ZCARD', KEYS[1]), math.floor(now_ms) }
  local entries = redis.call('ZRANGE', KEYS[1], start, start + count - 1, 'WITHSCORES')
  for i, value in ipairs(entries) do
    found[i + 2] = value
  end
  return found
end

if ARGV[2] == 'pending' or ARGV[2] == 'active' then
  return list_reversed()
end
return list_by_score()
