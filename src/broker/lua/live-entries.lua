-- Lists what is alive in one of the fleet's lists (servers, workers, schedulers), and removes the rest (protocol 13.8).
--
-- KEYS[1]  the list
-- ARGV[1]  time offset in seconds
-- Returns  the keys of the living entries

-- include: time
-- include: text

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now_s - 1))
return redis.call('ZRANGEBYSCORE', KEYS[1], whole(now_s), '+inf')
