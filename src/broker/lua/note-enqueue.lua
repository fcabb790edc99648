-- Notes in the history of a schedule entry that it was enqueued (protocol 12.7): the newest thousand stay. Unlike in asynq
-- the history ends some time after its last event, so that an entry that is gone leaves nothing behind (D16).
--
-- KEYS[1]  history of the entry
-- ARGV[1]  instant of the event in Unix seconds
-- ARGV[2]  SchedulerEnqueueEvent
-- ARGV[3]  seconds for which the history is kept
-- Returns  nothing

for _, event in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1000)) do
  redis.call('ZREM', KEYS[1], event)
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return false
