-- Lists tasks whose lease ended a while ago (protocol 10.2), oldest first, at most 100 and about 4 MiB: ours a short margin
-- after the expiry in their token, all others when the protocol's time is over. Repairs what it meets, or the same broken
-- entries would be listed at every pass and hide the others.
--
-- KEYS[1]  lease
-- KEYS[2]  active
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  seconds that a lease must be over whose token holds
-- ARGV[4]  seconds that any other lease must be over
-- Returns  { id, token that holds or nil, begun or nil, returns or nil, message or nil or 1 (see value), ... }

-- include: time
-- include: text
-- include: hash
-- include: well-formed
-- include: held
-- include: allow-oom
-- include: value

allow_oom(KEYS[1])

local BATCH = 100
local LOOKS = 20 -- batches: leases of Go servers may stand before ours for the time that theirs must be over

-- Whether the task can be settled: it has a hash, and `active` and `lease` both hold it (trap 12).
local function is_recoverable(id, task)
  if not is_utf8(id) or not is_hash(task) then
    redis.call('LREM', KEYS[2], 0, id)
    redis.call('ZREM', KEYS[1], id)
    return false
  end
  if redis.call('LPOS', KEYS[2], id) then
    return true
  end
  if redis.call('HGET', task, 'state') == 'active' then
    redis.call('LPUSH', KEYS[2], id) -- in no other place: without this it would be lost
    return true
  end
  redis.call('ZREM', KEYS[1], id) -- it went on elsewhere, and its lease was left behind
  return false
end

local found = {}

local function look_at(id, score)
  local task = ARGV[2] .. id
  local token = holding_token(task, score)
  if not token and tonumber(score) > now_s - tonumber(ARGV[4]) then
    return
  end
  if not is_recoverable(id, task) then
    return
  end
  local fields = redis.call('HMGET', task, 'threadmill_begun', 'threadmill_returns')
  local at = #found
  found[at + 1] = id
  found[at + 2] = token
  found[at + 3] = fields[1]
  found[at + 4] = fields[2]
  found[at + 5] = value_of(task, 'msg')
end

local cutoff = whole(now_s - tonumber(ARGV[3]))
local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', cutoff, 'WITHSCORES', 'LIMIT', 0, BATCH * LOOKS)
for i = 1, #entries, 2 do
  look_at(entries[i], entries[i + 1])
  if #found >= BATCH * 5 or are_enough() then
    break
  end
end
return found
