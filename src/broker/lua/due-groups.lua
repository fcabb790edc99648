-- Looks through the names of a queue's groups and answers which are to be aggregated now (protocol 11.1 and 11.2), some
-- hundreds of them per call. Changes nothing but one thing: the name of a group in which nothing waits is taken out, as it
-- upsets the tools (trap 8).
--
-- KEYS[1]  groups
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of group sets
-- ARGV[3]  where to begin: '0', or what the call before answered
-- ARGV[4]  grace period in seconds
-- ARGV[5]  longest delay in seconds, 0 = none
-- ARGV[6]  largest size, 0 = none
-- Returns  where to go on ('0' = that was all), then the names

-- include: time
-- include: well-formed
-- include: group-due

local LOOKS = 500
local rules = { grace = tonumber(ARGV[4]), max_delay = tonumber(ARGV[5]), max_size = tonumber(ARGV[6]) }

local page = redis.call('SSCAN', KEYS[1], ARGV[3], 'COUNT', LOOKS)
local answer = { page[1] }
for _, name in ipairs(page[2]) do
  local group = ARGV[2] .. name
  local size = redis.pcall('ZCARD', group)
  if size == 0 then
    redis.call('SREM', KEYS[1], name)
  elseif type(size) == 'number' and is_utf8(name) and is_due(group, size, rules) then
    answer[#answer + 1] = name
  end
end
return answer
