-- Reads what is late in a queue. Changes nothing.
--
-- KEYS[1]  lease
-- KEYS[2]  scheduled
-- KEYS[3]  retry
-- KEYS[4]  pending
-- KEYS[5]  active
-- KEYS[6]  archived
-- KEYS[7]  completed
-- KEYS[8]  aggregation_sets
-- ARGV[1]  time offset in seconds
-- ARGV[2]  seconds that a lease must be over
-- ARGV[3]  seconds that a task must be due
-- ARGV[4]  late ones to be listed at most
-- Returns  { now in Unix seconds, tasks whose lease is over, due scheduled ones, due ones to retry, lengths of pending,
--            active, lease, scheduled, retry, archived, completed, aggregation sets }; of late ones ID and score

-- include: time
-- include: text

local function late(key, seconds)
  return redis.call('ZRANGEBYSCORE', key, '-inf', whole(now_s - tonumber(seconds)), 'WITHSCORES', 'LIMIT', 0, ARGV[4])
end

return {
  whole(now_s),
  late(KEYS[1], ARGV[2]),
  late(KEYS[2], ARGV[3]),
  late(KEYS[3], ARGV[3]),
  redis.call('LLEN', KEYS[4]),
  redis.call('LLEN', KEYS[5]),
  redis.call('ZCARD', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('ZCARD', KEYS[6]),
  redis.call('ZCARD', KEYS[7]),
  redis.call('ZRANGE', KEYS[8], 0, 999),
}
