-- Reads the daily counters of one queue, today's first (protocol 13.4).
--
-- KEYS[1]  processed
-- KEYS[2]  failed
-- ARGV[1]  time offset in seconds
-- ARGV[2]  how many days
-- Returns  { day, processed or nil, failed or nil, ... }

-- include: time
-- include: day

local found = {}
for i = 0, tonumber(ARGV[2]) - 1 do
  local day = utc_day(now_s - i * 86400)
  found[3 * i + 1] = day
  found[3 * i + 2] = redis.call('GET', KEYS[1] .. ':' .. day)
  found[3 * i + 3] = redis.call('GET', KEYS[2] .. ':' .. day)
end
return found
