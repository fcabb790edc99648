-- Lists the active tasks of one queue that are leased for one owner. Changes nothing.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  the owner
-- Returns  { id, message or nil, crashes or nil, suspect or nil, ... }

-- include: held
-- include: well-formed

local CHUNK = 1000 -- `active` holds the tasks of all servers, perhaps many thousands: never all at once

local found, seen = {}, {}

local function look_at(id)
  local task = ARGV[1] .. id
  if seen[id] or not is_held_by(ARGV[2], KEYS[2], id, task) or not is_utf8(id) then
    return
  end
  seen[id] = true
  local fields = redis.call('HMGET', task, 'msg', 'tm_crashes', 'tm_suspect')
  local at = #found
  found[at + 1] = id
  found[at + 2] = fields[1]
  found[at + 3] = fields[2]
  found[at + 4] = fields[3]
end

local start = 0
repeat
  local ids = redis.call('LRANGE', KEYS[1], start, start + CHUNK - 1)
  for _, id in ipairs(ids) do
    look_at(id)
  end
  start = start + CHUNK
until #ids < CHUNK
return found
