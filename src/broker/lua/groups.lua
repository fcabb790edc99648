-- Lists the groups of one queue that have waiting tasks (protocol 13.7).
--
-- KEYS[1]  groups
-- ARGV[1]  prefix of group sets
-- Returns  { name, size, ... }

local found = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  found[#found + 1] = name
  found[#found + 1] = redis.call('ZCARD', ARGV[1] .. name)
end
return found
