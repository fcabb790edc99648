-- Pauses a queue: no server takes anything from it (protocol 12.8).
--
-- KEYS[1]  paused
-- ARGV[1]  time offset in seconds
-- Returns  1 = it is paused now, 0 = it was paused before

-- include: time
-- include: text
-- include: allow-oom

allow_oom(KEYS[1])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('SET', KEYS[1], whole(now_s))
return 1
