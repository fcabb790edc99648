-- Lists the servers of one host, by the keys of their entries. Readers may find servers that are gone: an entry ends some
-- seconds after its server.
--
-- KEYS[1]  the list of all servers
-- ARGV[1]  what the keys of this host's entries begin with
-- Returns  the keys

local found = {}
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  -- Just pid and UUID follow: with more colons it is another host, whose name goes on.
  if string.sub(key, 1, #ARGV[1]) == ARGV[1] and string.match(key, '^[^:]+:[^:]+}$', #ARGV[1] + 1) then
    found[#found + 1] = key
  end
end
return found
