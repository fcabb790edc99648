-- Registers groups again in which tasks wait although nobody would look: a server in Go that reclaims a set, or lets a
-- failed task return to its group, leaves the name out (D1, D2).
--
-- KEYS[1]  groups
-- ARGV[1]  prefix of group sets
-- then     names of groups
-- Returns  how many were registered

-- include: allow-oom

allow_oom(KEYS[1])

local rescued = 0
for i = 2, #ARGV do
  if redis.call('TYPE', ARGV[1] .. ARGV[i]).ok == 'zset' then
    rescued = rescued + redis.call('SADD', KEYS[1], ARGV[i])
  end
end
return rescued
