-- Writes the list of one scheduler's entries, replacing the former one (protocol 12.5, step 2).
--
-- KEYS[1]  the list
-- ARGV[1]  seconds to live
-- then one per entry: SchedulerEntry
-- Returns  nothing

redis.call('DEL', KEYS[1])
for i = 2, #ARGV do
  redis.call('LPUSH', KEYS[1], ARGV[i])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return false
