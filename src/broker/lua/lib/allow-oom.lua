-- Lets the script write although Redis is full (over `maxmemory`). Redis refuses a command that may take memory only as
-- the first write of a script: one in the middle is never stopped half done. So the script begins with a write that
-- takes none and changes nothing: it removes from a sorted set a member that nobody adds. Unlike the flag `allow-oom` of
-- Redis 7 this is known to 6.2 too. For what running tasks need, never for what brings new ones. Protected, as the key
-- may be of another type, which does not matter here.
local function allow_oom(sorted_set)
  redis.pcall('ZREM', sorted_set, '\255threadmill')
end
