-- Deletes completed tasks whose retention is over (protocol 10.3), at most 100.
--
-- KEYS[1]  completed
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- Returns  how many were deleted

-- include: time
-- include: text

local BATCH = 100

local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now_s), 'LIMIT', 0, BATCH)
for _, id in ipairs(ids) do
  redis.call('DEL', ARGV[2] .. id)
  redis.call('ZREM', KEYS[1], id)
end
return #ids
