-- Gives the tasks of a stale aggregation set back to their group (protocol 10.4): its server is lost. One set and some
-- hundreds of tasks per call; what is left is stale still and comes with the next one.
--
-- KEYS[1]  aggregation_sets
-- KEYS[2]  groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  prefix of group sets
-- Returns  name of the group, how many were given back, then the dropped IDs; nil when no set is stale

-- include: time
-- include: text
-- include: hash
-- include: unstage
-- include: allow-oom

allow_oom(KEYS[1])

-- The name in `<prefix><name>:<set ID>`: names may hold colons, IDs do not (trap 34).
local function name_of(set)
  if string.sub(set, 1, #ARGV[3]) ~= ARGV[3] then
    return nil
  end
  return string.match(string.sub(set, #ARGV[3] + 1), '^(.+):[^:]*$')
end

local set = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now_s), 'LIMIT', 0, 1)[1]
if not set then
  return false
end
local name = name_of(set)
if not name or redis.call('TYPE', set).ok ~= 'zset' then
  redis.call('ZREM', KEYS[1], set) -- no aggregation set: it would be met again at every pass
  return { name or '', 0 }
end
local place = {
  sets = KEYS[1], groups = KEYS[2], group = ARGV[3] .. name, set = set, task_prefix = ARGV[2], name = name,
}
local _, moved, dropped = unstage(place, 0)
return { name, moved, unpack(dropped) }
