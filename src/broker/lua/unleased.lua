-- Lists entries of `active` that have no lease (trap 12), at most 100. Changes nothing, but for entries that can be no task.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- ARGV[1]  prefix of task hashes
-- Returns  { id, token or nil, begun or nil, returns or nil, ... }

-- include: hash
-- include: well-formed
-- include: held
-- include: each-active

local MOST = 100

local found, broken = {}, {}

local function look_at(id)
  local task = ARGV[1] .. id
  if redis.call('ZSCORE', KEYS[2], id) then
    return
  end
  if not is_utf8(id) or not is_hash(task) then
    broken[#broken + 1] = id
    return
  end
  local fields = redis.call('HMGET', task, 'threadmill_begun', 'threadmill_returns')
  local at = #found
  found[at + 1] = id
  found[at + 2] = token_of(task) or false
  found[at + 3] = fields[1]
  found[at + 4] = fields[2]
  return #found < MOST * 4
end

each_active(KEYS[1], look_at)
for _, id in ipairs(broken) do
  redis.call('LREM', KEYS[1], 0, id)
end
return found
