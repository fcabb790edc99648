-- Leases the next tasks of one queue: pending -> active, with a lease entry (protocol 9.1, several at once) and a token
-- that names the owner. A token that is there already was left by an owner whose death a Go server recovered, as every
-- settlement of ours removes it.
--
-- What moves IDs is called once for all of them, and of a hash only those fields are deleted that are there: the calls are
-- what a lease costs. From the first move on nothing may fail, or the IDs taken would be nobody's: types are looked at
-- before it, and what Redis refuses, it refuses at the first write.
--
-- KEYS[1]  paused
-- KEYS[2]  pending
-- KEYS[3]  active
-- KEYS[4]  lease
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  how many at most
-- ARGV[4]  length of the lease in milliseconds
-- ARGV[5]  bytes of messages in the answer at which to stop; one message is taken however large it is
-- ARGV[6]  bytes of a message from which on it is not answered but left to an HGET, which costs Redis a seventh of that
-- ARGV[7]  the server that leases
-- ARGV[8]  run number of the first task; the next ones follow
-- ARGV[9]  '1' = stop before a task that was recovered before it was noted as begun, which is to be leased by itself
-- ARGV[10] bytes of messages at which to stop, with those that are not in the answer
-- ARGV[11] how many runs of this server have begun, then so many times ID, run and beginning (see begun)
-- Returns  { tasks left in pending (0 when paused), now in nanoseconds,
--            MessagePack, which is cheaper than a list: { id, message or false (none) or true (too large), pending_since or
--            false, ... }; '' for no tasks,
--            { IDs that were dropped: without hash, or no text, ... },
--            1 when such a task is next (see ARGV[9]), else 0,
--            of the few that have either: { which of the tasks, from 0, crashes or nil, suspect or nil, ... } }

-- include: time

local PENDING, ACTIVE, LEASE, PREFIX = KEYS[2], KEYS[3], KEYS[4], ARGV[2]
local SERVER, LARGE, LIMIT, WHOLE_LIMIT = ARGV[7], tonumber(ARGV[6]), tonumber(ARGV[5]), tonumber(ARGV[10])
local MOST = 1000 -- a call: `unpack` of 8000 or more values raises an error
local notes = tonumber(ARGV[11])

local function rarities()
-- include: text
-- include: held
-- include: begun
-- include: note-begun
-- include: well-formed
-- include: count
-- include: past
return { note_begun = note_begun, is_task = is_task, end_past = end_past }
end

local rare = notes > 0 and rarities()
if rare then
  rare.note_begun(SERVER, LEASE, PREFIX, 12, notes)
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 0, now_ns, '', {}, 0, {} }
end

local expiry = string.format('%.0f', math.floor((now_ms + tonumber(ARGV[4])) / 1000))
local most = math.min(tonumber(ARGV[3]), MOST)

-- The IDs in the order in which they are taken. The first is moved by the one command that looks at both lists' types and
-- is refused where Redis is full. Whoever takes the others has to put them somewhere.
redis.call('ZCARD', LEASE)
local first = most > 0 and redis.call('RPOPLPUSH', PENDING, ACTIVE)
if not first then
  return { redis.call('LLEN', PENDING), now_ns, '', {}, 0, {} }
end
local ids = most > 1 and redis.pcall('RPOP', PENDING, most - 1) or {}
if ids.err then -- for lack of rights, which are asked for at each command
  redis.call('LPOP', ACTIVE)
  redis.call('RPUSH', PENDING, first)
  return ids
end
table.insert(ids, 1, first)

-- One look at all of them is cheaper than one at each, and half the price of a search.
local are_ascii = string.find(table.concat(ids), '^[^\128-\255]*$')
local tasks, dropped, taken, leases, deaths, size, whole = {}, {}, {}, {}, {}, 0, 0
local holder, run, ends = SERVER .. ' ', tonumber(ARGV[8]), ' ' .. expiry
local format = string.format -- '%d' is cheaper than what `..` makes of a number, and run numbers fit an int32

-- Whether anything is in the hash but what every task in `pending` has, beside so many fields: an attempt before this
-- one. In nearly all there is the state alone, and nobody writes a task without.
local function has_past(task, known)
  local others = redis.call('HLEN', task) - known
  if others == 1 then
    return false
  end
  local found = redis.call('HMGET', task, 'state', 'unique_key')
  return others > (found[1] and 1 or 0) + (found[2] and 1 or 0)
end

-- Makes a task the server's and adds it to the answer; `false`: it is not to be taken now.
local function take(id, task, is_large)
  -- Where the message is too large, another field in its place.
  local found = redis.call('HMGET', task, 'pending_since', is_large and 'state' or 'msg')
  local since, message = found[1], is_large or found[2]
  local count = #taken
  if has_past(task, (since and 1 or 0) + (message and 1 or 0)) then
    if ARGV[9] == '1' and redis.call('HEXISTS', task, 'threadmill_returns') == 1 then
      return false
    end
    rare = rare or rarities()
    local crashes, suspect = rare.end_past(task)
    if crashes or suspect then
      local last = #deaths
      deaths[last + 1], deaths[last + 2], deaths[last + 3] = count, crashes, suspect
    end
  end
  redis.call('HSET', task, 'state', 'active', 'threadmill_lease', holder .. format('%d', run + count) .. ends)
  if since then
    redis.call('HDEL', task, 'pending_since')
  end
  local at = 3 * count
  tasks[at + 1], tasks[at + 2], tasks[at + 3] = id, message, since
  taken[count + 1] = id
  leases[2 * count + 1], leases[2 * count + 2] = expiry, id
  return true
end

local at, is_returned = 1, 0
while at <= #ids do
  local id = ids[at]
  local task = PREFIX .. id
  -- Nothing where there is no hash; its message may be missing all the same. A key of another type counts as no hash.
  local bytes = redis.pcall('HSTRLEN', task, 'msg')
  if not are_ascii or bytes == 0 or type(bytes) ~= 'number' then
    rare = rare or rarities()
    bytes = rare.is_task(id, task, bytes) and bytes
  end
  if bytes then
    local is_large = bytes >= LARGE
    size, whole = size + (is_large and 0 or bytes), whole + bytes
    if (size > LIMIT or whole > WHOLE_LIMIT) and #taken > 0 then
      break
    end
    if not take(id, task, is_large) then
      is_returned = 1
      break
    end
  else
    -- asynq would make a stub that nobody can ever remove (D10). All occurrences go, as the ID is in no other place.
    redis.call('LREM', ACTIVE, 0, id)
    dropped[#dropped + 1] = id
  end
  at = at + 1
end

-- What was too much for this call goes back to where it came from.
local back = {}
for i = #ids, at, -1 do
  back[#back + 1] = ids[i]
end
if #back > 0 then
  if at == 1 then -- the first of all is in `active` already
    redis.call('LPOP', ACTIVE)
  end
  redis.call('RPUSH', PENDING, unpack(back))
end
if #taken == 0 then
  return { redis.call('LLEN', PENDING), now_ns, '', dropped, is_returned, {} }
end
-- The first of all is in `active` already, if it was not dropped.
local moved = taken[1] == ids[1] and 2 or 1
if taken[moved] then
  redis.call('LPUSH', ACTIVE, unpack(taken, moved))
end
redis.call('ZADD', LEASE, unpack(leases))
return { redis.call('LLEN', PENDING), now_ns, cmsgpack.pack(tasks), dropped, is_returned, deaths }
