-- Removes entries of the fleet's lists whose servers have said nothing for long, as all readers of asynq do.
--
-- KEYS[1]  `asynq:servers`, `asynq:workers` or `asynq:schedulers`
-- ARGV[1]  time offset in seconds
-- ARGV[2]  seconds that an entry must be over
-- Returns  how many were removed

-- include: time
-- include: text

local stale = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now_s - tonumber(ARGV[2])), 'LIMIT', 0, 1000)
if #stale == 0 then
  return 0
end
return redis.call('ZREM', KEYS[1], unpack(stale))
