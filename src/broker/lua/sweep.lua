-- One step of a walk through all tasks of one state: runs, archives or deletes some of those that the last step listed,
-- and lists the next ones. The listed ones are found again by their IDs, as others add and take tasks all the time.
--
-- `pending` is walked from its newest end, so that what enters meanwhile is behind the walk. To take IDs out of the midst
-- of a long list, LREM would have to look through all of it (35 ms at a million). There each is overwritten with the newest
-- ID, which is taken off the end: that one moves forward, and all others keep their places.
--
-- KEYS[1]  the container
-- KEYS[2]  pending
-- KEYS[3]  archived
-- KEYS[4]  groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  the state
-- ARGV[4]  what to do: 'look', 'run', 'archive' or 'delete'
-- ARGV[5]  name of the group, if the state is 'aggregating'
-- ARGV[6]  largest score that is listed, or ''
-- ARGV[7]  how many are to be listed
-- ARGV[8]  where the first of the listed ones was
-- ARGV[9]  for each of them: '1' to do it, else '0'
-- then two for each of them: ID, score or ''
-- Returns  { entries of the container, now in milliseconds, changed, how many of the listed ones are dealt with,
--            where the next ones begin (-1 when the walk has lost its place), id, score or nil, ... }

-- include: time
-- include: text
-- include: hash
-- include: unlock
-- include: release-lock
-- include: change
-- include: trim-archive
-- include: allow-oom

local PLACE, PENDING, ARCHIVED, GROUPS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local PREFIX, STATE, ACTION = ARGV[2], ARGV[3], ARGV[4]
local LISTED = (#ARGV - 9) / 2

allow_oom(ARCHIVED)
local changed = 0

-- An ID without hash goes too: it stands for nothing, and harms servers in Go (trap 8).
local function may_take(id)
  local task = PREFIX .. id
  return not is_hash(task) or redis.call('HGET', task, 'state') == STATE
end

local function apply(id)
  local task = PREFIX .. id
  if is_hash(task) then
    change[ACTION](task, id, PENDING, ARCHIVED)
    changed = changed + 1
  end
end

local function is_chosen(index)
  return string.sub(ARGV[9], index, index) == '1'
end

local function listed_id(index)
  return ARGV[8 + 2 * index]
end

local function listed_score(index)
  return ARGV[9 + 2 * index]
end

local list = {}

local NEAR = 20000 -- entries between the place and an end of the list through which LREM may look
local NODE = 200 -- entries of a list in one node, about
local HOPS = 40000 -- nodes that one step may pass
local AHEAD = 3000 -- entries through which the walk looks for its place
local BEHIND = 500
local TOMBSTONE = '\255threadmill'

function list.length()
  return redis.call('LLEN', PLACE)
end

function list.entries(start, stop)
  local found = {}
  for i, id in ipairs(redis.call('LRANGE', PLACE, start, stop)) do
    found[2 * i - 1] = id
    found[2 * i] = false
  end
  return found
end

-- Where the leftmost of the listed ones is now, and which one that is. Others may have added IDs before it, and taken
-- some away. Without any: whether the rest of the list was looked through.
local function find_in_list(hint)
  if redis.call('LRANGE', PLACE, hint, hint)[1] == listed_id(1) then
    return hint, 1 -- as most often
  end
  local index_of = {}
  for i = 1, LISTED do
    index_of[listed_id(i)] = i
  end
  for start = math.max(0, hint - BEHIND), hint + AHEAD, 1000 do
    local ids = redis.call('LRANGE', PLACE, start, start + 999)
    for i, id in ipairs(ids) do
      if index_of[id] then
        return start + i - 1, index_of[id]
      end
    end
    if #ids < 1000 then
      return nil, nil, true
    end
  end
  return nil, nil, false
end

local function swap_out(at)
  local newest = redis.call('LPOP', PLACE)
  redis.call('LSET', PLACE, at - 1, newest)
end

-- Where the next one is, if nothing is to be taken and all the listed ones are where they were.
local function pass_over(at, index)
  if index > 1 or string.find(ARGV[9], '1', 1, true) then
    return nil
  end
  local last = at + LISTED - 1
  return redis.call('LRANGE', PLACE, last, last)[1] == listed_id(LISTED) and last + 1 or nil
end

-- Goes through the listed ones that are still there, from the one of this index on. They stand in the same order, side by
-- side. Answers what was taken, how many are dealt with, and where the next one is.
local function take_from_list(at, index, is_near, hops_each)
  local ids = redis.call('LRANGE', PLACE, at, at + LISTED - index)
  local taken, hops = {}, 0
  for _, id in ipairs(ids) do
    while index <= LISTED and listed_id(index) ~= id do
      index = index + 1 -- this one is gone
    end
    if index > LISTED then
      break -- what has moved up from behind them
    elseif hops > HOPS then
      return taken, index - 1, at
    end
    if is_chosen(index) and may_take(id) then
      hops = hops + hops_each
      taken[#taken + 1] = id
      if is_near then
        redis.call('LSET', PLACE, at, TOMBSTONE)
      else
        swap_out(at)
        at = at - 1
      end
    end
    at = at + 1
    index = index + 1
  end
  return taken, LISTED, at
end

function list.step(hint)
  local at, index, is_through = find_in_list(hint)
  if not at then
    -- Tasks are taken from the other end of `pending`: so all that come after them are gone too.
    return LISTED, is_through and STATE == 'pending' and list.length() or -1
  end
  local passed = pass_over(at, index)
  if passed then
    return LISTED, passed
  end
  local length = list.length()
  local depth = math.min(at, length - at)
  local is_near = depth <= NEAR
  local taken, dealt, next_at = take_from_list(at, index, is_near, math.ceil((depth + 1) / NODE))
  if is_near and #taken > 0 then
    redis.call('LREM', PLACE, at <= length - at and #taken or -#taken, TOMBSTONE)
    next_at = next_at - #taken
  end
  for _, id in ipairs(taken) do
    apply(id)
  end
  return dealt, next_at
end

local set = {}

function set.length()
  return redis.call('ZCARD', PLACE)
end

function set.entries(start, stop)
  local entries, found = redis.call('ZRANGE', PLACE, start, stop, 'WITHSCORES'), {}
  for i = 1, #entries, 2 do
    if ARGV[6] ~= '' and tonumber(entries[i + 1]) > tonumber(ARGV[6]) then
      break
    end
    found[i], found[i + 1] = entries[i], entries[i + 1]
  end
  return found
end

-- Its rank, unless it has left meanwhile, and has perhaps come back elsewhere.
local function rank_of(index)
  local id = listed_id(index)
  local score = redis.call('ZSCORE', PLACE, id)
  return score and tonumber(score) == tonumber(listed_score(index)) and redis.call('ZRANK', PLACE, id)
end

local function find_in_set()
  for index = 1, LISTED do
    local rank = rank_of(index)
    if rank then
      return rank
    end
  end
  return redis.call('ZCOUNT', PLACE, '-inf', '(' .. listed_score(1))
end

function set.step()
  local at = find_in_set()
  local taken, last_kept = {}, nil
  for index = 1, LISTED do
    local rank = rank_of(index)
    if rank and is_chosen(index) and may_take(listed_id(index)) then
      redis.call('ZREM', PLACE, listed_id(index))
      taken[#taken + 1] = listed_id(index)
    elseif rank then
      last_kept = index
    end
  end
  for _, id in ipairs(taken) do
    apply(id)
  end
  return LISTED, last_kept and rank_of(last_kept) + 1 or at
end

local place = (STATE == 'pending' or STATE == 'active') and list or set
local dealt, next_at = 0, 0
if LISTED > 0 then
  dealt, next_at = place.step(tonumber(ARGV[8]))
end
if ACTION == 'archive' then
  trim_archive(ARCHIVED, PREFIX, 2 * changed + 100)
end
if STATE == 'aggregating' and place.length() == 0 then
  redis.call('SREM', GROUPS, ARGV[5])
end

local reply = { place.length(), math.floor(now_ms), changed, dealt, next_at }
if next_at >= 0 then
  for i, value in ipairs(place.entries(next_at, next_at + tonumber(ARGV[7]) - 1)) do
    reply[i + 5] = value
  end
end
return reply
