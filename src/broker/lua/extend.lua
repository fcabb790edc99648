-- Extends leases of one queue (protocol 9.7), and tells which of their tasks somebody wants canceled. A lease that was
-- removed is never re-created; one that is over but still there is extended, as asynq does.
--
-- KEYS[1]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  length of the lease in milliseconds
-- then the task IDs
-- Returns  { { IDs whose lease was gone }, { IDs that were extended, but are to be canceled } }

-- include: time
-- include: text
-- include: hash
-- include: allow-oom

allow_oom(KEYS[1])
local expiry = whole(math.floor((now_ms + tonumber(ARGV[3])) / 1000))
local gone, canceled = {}, {}

local function extend(id, task, score)
  redis.call('ZADD', KEYS[1], 'XX', expiry, id)
  if not is_hash(task) then
    return
  end
  local fields = redis.call('HMGET', task, 'tm_lease', 'tm_cancel')
  -- Of another score is the lease of a Go server that took the task over: it does not become ours again.
  if fields[1] == score then
    redis.call('HSET', task, 'tm_lease', expiry)
  end
  if fields[2] then
    canceled[#canceled + 1] = id
  end
end

for i = 4, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then
    extend(ARGV[i], ARGV[2] .. ARGV[i], score)
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return { gone, canceled }
