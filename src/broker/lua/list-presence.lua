-- Enters a server in a list of the fleet, `asynq:servers` or `asynq:workers` (protocol 12.3, steps 1 and 2). Each list
-- is in a slot of its own; a script only because the instant is Redis's.
--
-- KEYS[1]  the list
-- ARGV[1]  time offset in seconds
-- ARGV[2]  seconds until the entry is stale
-- ARGV[3]  the full key of the entry
-- Returns  nothing

-- include: time
-- include: text
-- include: allow-oom

allow_oom(KEYS[1])
redis.call('ZADD', KEYS[1], whole(now_s + tonumber(ARGV[2])), ARGV[3])
return false
