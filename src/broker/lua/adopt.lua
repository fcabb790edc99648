-- Hands the lease of one active task on to another server and extends it. A cancel request stays. Done twice it answers
-- twice: the first reply may have been lost.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  task ID
-- ARGV[4]  server and run that must hold it
-- ARGV[5]  server and run that get it
-- ARGV[6]  length of the lease in milliseconds
-- Returns  { crashes or nil, suspect or nil, message or nil or 1 (see value) }; nil when it is not leased for that run

-- include: time
-- include: text
-- include: held
-- include: allow-oom
-- include: value

allow_oom(KEYS[2])
local id = ARGV[3]
local task = ARGV[2] .. id
local is_theirs = held_until(ARGV[4], KEYS[2], id, task)
if not (is_theirs or held_until(ARGV[5], KEYS[2], id, task)) or not redis.call('LPOS', KEYS[1], id) then
  return false
end
if is_theirs then
  local expiry = whole(math.floor((now_ms + tonumber(ARGV[6])) / 1000))
  redis.call('ZADD', KEYS[2], 'XX', expiry, id)
  redis.call('HSET', task, 'threadmill_lease', ARGV[5] .. ' ' .. expiry)
  redis.call('HDEL', task, 'threadmill_begun', 'threadmill_started')
end
local crashes, suspect = unpack(redis.call('HMGET', task, 'threadmill_crashes', 'threadmill_suspect'))
return { crashes, suspect, value_of(task, 'msg') }
