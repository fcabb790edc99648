-- Ends an aggregation: stores what came of it and takes the set away, in one step (protocol 11.5; asynq needs two, so that
-- a crash in between repeats the group). Refused when the set was reclaimed, also in part: then others have its tasks.
-- Those are deleted afterwards, in steps, which any server finishes: the set goes on under another name till then. As
-- long as it does, a repeat of the call is told so.
--
-- KEYS[1]  pending
-- KEYS[2]  scheduled
-- KEYS[3]  aggregation_sets
-- KEYS[4]  groups
-- KEYS[5]  archived
-- KEYS[6]  completed
-- KEYS[7]  the aggregation set
-- KEYS[8]  the closed set
-- KEYS[9]  the registry of closed sets
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  how many tasks the set must hold
-- then     the new task as enqueue.lua takes it; nothing where there is none
-- Returns  1 = closed, or for a new task what enqueue.lua answers: it is refused with 0 (and its state) or 4 (and the
--          holder of its lock); -1 = the set is not the caller's any more

-- include: time
-- include: due
-- include: text
-- include: unlock

local NOW = math.floor(now_ms)

local function wishes(note_stored)
-- include: wishes
end

-- include: store
-- include: allow-oom

local SETS, SET, CLOSED, REGISTRY = KEYS[3], KEYS[7], KEYS[8], KEYS[9]
-- One task comes and many go: a full Redis gets memory by it.
allow_oom(SETS)

if redis.call('EXISTS', CLOSED) == 1 then
  return { 1 }
elseif not redis.call('ZSCORE', SETS, SET) or redis.call('ZCARD', SET) ~= tonumber(ARGV[3]) then
  return { -1 }
end
if ARGV[4] then
  local reply = {}
  store_next(4, reply)
  local status = reply[1]
  if status == 5 then
    return redis.error_reply(reply[2])
  elseif status == 0 or status == 4 then
    return reply
  end
  push_stored()
end
redis.call('RENAME', SET, CLOSED)
redis.call('ZADD', REGISTRY, whole(now_s), CLOSED)
redis.call('ZREM', SETS, SET)
return { 1 }
