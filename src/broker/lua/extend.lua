-- Extends leases of one queue (protocol 9.7). A lease that was removed is never re-created; one that is over but still
-- there is extended, as asynq does.
--
-- KEYS[1]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  length of the lease in milliseconds
-- then the task IDs
-- Returns  the IDs whose lease was gone

-- include: time
-- include: text

local expiry = whole(math.floor((now_ms + tonumber(ARGV[2])) / 1000))
local gone = {}
for i = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', expiry, ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return gone
