-- Makes the hash into which the large values of a settlement are written by HSETs, outside of any script (see staged).
--
-- KEYS[1]  the hash
-- ARGV[1]  time offset in seconds
-- ARGV[2]  seconds after which it goes by itself
-- Returns  now, in seconds

-- include: time
-- include: text

redis.call('HSET', KEYS[1], 'state', 'staged')
redis.call('EXPIRE', KEYS[1], ARGV[2])
return whole(now_s)
