-- Takes or keeps the lead of schedule entries for one scheduler. Whose lease holds keeps it; whose is over loses it to who
-- asks first. Beside the lease stands up to where the ticks of the entry are done, for whoever leads it next.
--
-- KEYS[1]  what the keys of the leases begin with, all in its slot: STRING '<scheduler> <lease ends, ms> <done, ms>
--          <last tick enqueued, ms, or 0>'
-- ARGV[1]  time offset in seconds
-- ARGV[2]  the scheduler
-- ARGV[3]  milliseconds of the lease; 0 = give the lead back
-- ARGV[4]  seconds for which an entry is remembered that nobody claims
-- then three per entry: id, done in milliseconds (0 = not known), last tick enqueued in milliseconds (0 = not known)
-- Returns  now in milliseconds, then four per entry: 1 = led by the scheduler, done, last tick enqueued or 0,
--          the scheduler from which it was taken or ''

-- include: time
-- include: text
-- include: allow-oom

local SCHEDULER, LEASE_MS = ARGV[2], tonumber(ARGV[3])
local NOW = math.floor(now_ms)

local function read(key)
  local value = redis.pcall('GET', key)
  if type(value) ~= 'string' then
    return nil
  end
  local holder, ends, done, previous = string.match(value, '^(%S+) (%d+) (%d+) (%d+)$')
  return holder, tonumber(ends), tonumber(done), tonumber(previous)
end

-- An entry that nobody knows is done up to now: it has no ticks from before its time.
local function lead(id, done, previous)
  local key = KEYS[1] .. id
  local holder, ends, known_done, known_previous = read(key)
  if not holder then
    holder, ends, known_done, known_previous = '-', 0, done > 0 and done or NOW, 0
  end
  done, previous = math.max(done, known_done), math.max(previous, known_previous)
  if holder ~= SCHEDULER and (ends > NOW or LEASE_MS == 0) then
    return 0, known_done, known_previous, ''
  end
  local until_ms = LEASE_MS > 0 and NOW + LEASE_MS or 0
  local value = SCHEDULER .. ' ' .. whole(until_ms) .. ' ' .. whole(done) .. ' ' .. whole(previous)
  redis.call('SET', key, value, 'EX', ARGV[4])
  local from = (holder ~= SCHEDULER and ends > 0) and holder or ''
  return LEASE_MS > 0 and 1 or 0, done, previous, from
end

allow_oom(KEYS[1])
local replies = { NOW }
for i = 5, #ARGV, 3 do
  local led, done, previous, from = lead(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]))
  replies[#replies + 1] = led
  replies[#replies + 1] = done
  replies[#replies + 1] = previous
  replies[#replies + 1] = from
end
return replies
