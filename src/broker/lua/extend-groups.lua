-- Puts off the instants at which aggregation sets of one queue go stale, as their aggregate functions are still running.
-- A set that is not listed any more was reclaimed or given back: it is never listed again.
--
-- KEYS[1]  aggregation_sets
-- ARGV[1]  time offset in seconds
-- ARGV[2]  seconds until they go stale
-- then     the sets
-- Returns  one number per set: 1 = put off, 0 = gone

-- include: time
-- include: text
-- include: allow-oom

allow_oom(KEYS[1])

local expiry = whole(now_s + tonumber(ARGV[2]))
local replies = {}
for i = 3, #ARGV do
  local is_listed = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if is_listed then
    redis.call('ZADD', KEYS[1], 'XX', expiry, ARGV[i])
  end
  replies[#replies + 1] = is_listed and 1 or 0
end
return replies
