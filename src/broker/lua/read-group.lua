-- Reads staged tasks in the order in which they joined their group (protocol 11.3), some hundreds of them per call and no
-- more than about so many bytes. IDs without a hash are dropped (trap 8).
--
-- KEYS[1]  the aggregation set
-- ARGV[1]  rank of the first
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  most tasks
-- ARGV[4]  most bytes of messages; a single larger one comes alone
-- Returns  how many the set holds, the dropped IDs, then ID and message of each: '' for a task without one, 1 where it is
--          left out (see value)

-- include: hash
-- include: well-formed
-- include: value

local first, most, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local dropped, found, bytes = {}, {}, 0

for _, id in ipairs(redis.call('ZRANGE', KEYS[1], first, first + most - 1)) do
  local task = ARGV[2] .. id
  if is_utf8(id) and is_hash(task) then
    local length = redis.call('HSTRLEN', task, 'msg')
    if #found > 0 and bytes + length > most_bytes then
      break
    end
    bytes = bytes + length
    found[#found + 1] = id
    found[#found + 1] = value_of(task, 'msg') or ''
  else
    redis.call('ZREM', KEYS[1], id)
    dropped[#dropped + 1] = id
  end
end
return { redis.call('ZCARD', KEYS[1]), dropped, unpack(found) }
