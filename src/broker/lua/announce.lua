-- Writes one server's entry and its running tasks, replacing the former ones (protocol 12.3, step 3).
--
-- KEYS[1]  the server's entry
-- KEYS[2]  its workers
-- ARGV[1]  seconds to live
-- ARGV[2]  ServerInfo
-- then two per running task: id, WorkerInfo
-- Returns  nothing

-- First, since a script that has begun with a write that frees is not stopped when Redis is full (see lib/allow-oom).
redis.call('DEL', KEYS[2])
redis.call('SETEX', KEYS[1], ARGV[1], ARGV[2])
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[2], ARGV[1])
return false
