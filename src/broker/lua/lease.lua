-- Leases the next tasks of one queue: pending -> active, with a lease entry (protocol 9.1, several at once) and a token
-- that names the owner. A token that is there already was left by an owner whose death a Go server recovered, as every
-- settlement of ours removes it.
--
-- KEYS[1]  paused
-- KEYS[2]  pending
-- KEYS[3]  active
-- KEYS[4]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  how many at most
-- ARGV[4]  length of the lease in milliseconds
-- ARGV[5]  bytes of messages at which to stop; one message is taken however large it is
-- ARGV[6]  the server that leases
-- ARGV[7]  run number of the first task; the next ones follow
-- ARGV[8]  how many runs of this server have begun, then so many pairs of ID and run
-- Returns  { tasks left in pending (0 when paused), now in nanoseconds,
--            { id, message or nil, pending_since or nil, crashes or nil, suspect or nil, ... },
--            { IDs that were dropped: without hash, or no text, ... } }

-- include: time
-- include: text
-- include: well-formed
-- include: held
-- include: count
-- include: begun

local SERVER = ARGV[6]
note_begun(SERVER, KEYS[4], ARGV[2], 9, tonumber(ARGV[8]))

if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 0, now_ns, {}, {} }
end

local expiry = whole(math.floor((now_ms + tonumber(ARGV[4])) / 1000))
local byte_limit = tonumber(ARGV[5])
local tasks, dropped, bytes = {}, {}, 0

-- Whether the hash is there; its message may be missing all the same. A key of another type counts as no hash: an error
-- here would leave the tasks taken before without anyone who runs them.
local function has_hash(task)
  local fields = redis.pcall('HLEN', task)
  return type(fields) == 'number' and fields > 0
end

-- The death of an owner, seen late: first the task becomes a suspect, which runs alone; when it was one, it has crashed.
local function count_unseen_death(task, token, begun, crashes, suspect)
  if not token or begun ~= '1' then
    return crashes, suspect
  end
  if suspect ~= '1' then
    redis.call('HSET', task, 'threadmill_suspect', '1')
    return crashes, '1'
  end
  return count(task, 'threadmill_crashes'), suspect
end

local function take(id, task)
  local fields = redis.call('HMGET', task, 'msg', 'pending_since', 'threadmill_crashes', 'threadmill_suspect',
    'threadmill_lease', 'threadmill_begun')
  local crashes, suspect = count_unseen_death(task, fields[5], fields[6], fields[3], fields[4])
  local at = #tasks
  local run = whole(tonumber(ARGV[7]) + at / 5)
  redis.call('HSET', task, 'state', 'active', 'threadmill_lease', SERVER .. ' ' .. run .. ' ' .. expiry)
  -- A cancel request was for an earlier attempt, which a Go server ended.
  redis.call('HDEL', task, 'pending_since', 'threadmill_cancel', 'threadmill_begun')
  redis.call('ZADD', KEYS[4], expiry, id)
  tasks[at + 1] = id
  tasks[at + 2] = fields[1]
  tasks[at + 3] = fields[2]
  tasks[at + 4] = crashes
  tasks[at + 5] = suspect
end

for _ = 1, tonumber(ARGV[3]) do
  local id = redis.call('RPOPLPUSH', KEYS[2], KEYS[3])
  if not id then
    break
  end
  local task = ARGV[2] .. id
  if is_utf8(id) and has_hash(task) then
    bytes = bytes + redis.call('HSTRLEN', task, 'msg')
    if bytes > byte_limit and #tasks > 0 then
      -- Too much for this call: back to where it came from.
      redis.call('LPOP', KEYS[3])
      redis.call('RPUSH', KEYS[2], id)
      break
    end
    take(id, task)
  else
    -- asynq would make a stub that nobody can ever remove (D10). All occurrences go, as the ID is in no other place.
    redis.call('LREM', KEYS[3], 0, id)
    dropped[#dropped + 1] = id
  end
end
return { redis.call('LLEN', KEYS[2]), now_ns, tasks, dropped }
