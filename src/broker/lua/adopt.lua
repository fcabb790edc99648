-- Hands the lease of one active task on to another owner and extends it. A cancel request stays.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  task ID
-- ARGV[4]  the owner it must have
-- ARGV[5]  the owner it gets
-- ARGV[6]  length of the lease in milliseconds
-- Returns  { message or nil, crashes or nil, suspect or nil }; nil when it is not leased for that owner

-- include: time
-- include: text
-- include: held
-- include: allow-oom

allow_oom(KEYS[2])
local id = ARGV[3]
local task = ARGV[2] .. id
if not is_held_by(ARGV[4], KEYS[2], id, task) or not redis.call('LPOS', KEYS[1], id) then
  return false
end
local expiry = whole(math.floor((now_ms + tonumber(ARGV[6])) / 1000))
redis.call('ZADD', KEYS[2], 'XX', expiry, id)
redis.call('HSET', task, 'tm_owner', ARGV[5], 'tm_lease', expiry)
return redis.call('HMGET', task, 'msg', 'tm_crashes', 'tm_suspect')
