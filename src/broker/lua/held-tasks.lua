-- Lists the active tasks of one queue that are leased for one server. Changes nothing.
--
-- KEYS[1]  active
-- KEYS[2]  lease
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  the server's UUID
-- ARGV[3]  '1' = with their messages
-- Returns  { id, server, run, begun or nil, returns or nil, crashes or nil, suspect or nil, message or nil or 1 (see value),
--            ... }

-- include: held
-- include: well-formed
-- include: each-active
-- include: value

local found = {}

-- Server and run of a token that holds and belongs to the server. Behind the UUID comes a place, or nothing.
local function owner_of(id, task)
  local token = token_of(task)
  if not token or string.sub(token, 1, #ARGV[2]) ~= ARGV[2] then
    return nil
  end
  local server, run = string.match(token, '^(%S+) (%d+) %d+$')
  local after = server and string.sub(server, #ARGV[2] + 1, #ARGV[2] + 1)
  if after ~= '' and after ~= '@' or not held_until(server .. ' ' .. run, KEYS[2], id, task) then
    return nil
  end
  return server, run
end

local function look_at(id)
  local task = ARGV[1] .. id
  if not is_utf8(id) then
    return
  end
  local server, run = owner_of(id, task)
  if not server then
    return
  end
  local fields = redis.call('HMGET', task, 'threadmill_begun', 'threadmill_returns', 'threadmill_crashes',
    'threadmill_suspect')
  local at = #found
  found[at + 1] = id
  found[at + 2] = server
  found[at + 3] = run
  for i = 1, 4 do
    found[at + 3 + i] = fields[i]
  end
  found[at + 8] = ARGV[3] == '1' and value_of(task, 'msg')
end

each_active(KEYS[1], look_at)
return found
