-- Deletes tasks that were aggregated a while ago by a server that died before it had deleted them, some hundreds per
-- call.
--
-- KEYS[1]  the registry of closed sets
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  seconds that an aggregation must be over: before, its own server deletes them
-- Returns  1 = there may be more, 0 = none

-- include: time
-- include: text
-- include: unlock
-- include: sweep
-- include: allow-oom

allow_oom(KEYS[1])

local before = whole(now_s - tonumber(ARGV[3]))
local closed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before, 'LIMIT', 0, 1)[1]
if not closed then
  return 0
end
sweep(closed, KEYS[1], ARGV[2], {})
return 1
