-- Stores new tasks and takes them from ARGV as enqueue.lua describes it. Whoever includes this has the same KEYS for
-- pending, scheduled, groups, archived and completed, and the prefix of task hashes in ARGV[2], and calls push_stored()
-- after the last task. Needs: time; NOW, the instant in whole milliseconds; and wishes(note_stored), a function that ends
-- with the part of this name.

-- What becomes pending goes into its list at the end, with one call for all.
local stored, stored_count = {}, 0
-- unpack takes no more than about 8,000 values (trap 43).
local PUSHED_AT_ONCE = 1000

local function push_stored()
  for first = 1, stored_count, PUSHED_AT_ONCE do
    local last = math.min(first + PUSHED_AT_ONCE - 1, stored_count)
    redis.call('LPUSH', KEYS[1], unpack(stored, first, last))
  end
end

local function note_stored(id)
  stored_count = stored_count + 1
  stored[stored_count] = id
  return 1, NOW
end

local store_wish, state_of

local function need_wishes()
  if not store_wish then
    store_wish, state_of = wishes(note_stored)
  end
end

-- Stores what begins at ARGV[i], and adds the two of enqueue.lua for each task to `replies`. Answers where the next begins.
local function store_next(i, replies)
  local n, count = #replies, tonumber(ARGV[i])
  if not count then
    need_wishes()
    replies[n + 1], replies[n + 2] = store_wish(i)
    return i + (string.byte(ARGV[i]) == 43 and 9 or 4) -- '+'
  end
  for at = i + 1, i + 2 * count, 2 do
    local id = ARGV[at]
    local task = ARGV[2] .. id
    if redis.call('EXISTS', task) == 0 then
      redis.call('HSET', task, 'msg', ARGV[at + 1], 'state', 'pending', 'pending_since', now_ns)
      replies[n + 1], replies[n + 2] = note_stored(id)
    else
      need_wishes()
      replies[n + 1], replies[n + 2] = 0, state_of(task)
    end
    n = n + 2
  end
  return i + 1 + 2 * count
end
