-- Marks one task of one queue as to be canceled, if it is active and has a lease. The mark goes when the attempt ends.
--
-- KEYS[1]  lease
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  task ID
-- Returns  1 = marked, 0 = it is not active

-- include: hash
-- include: allow-oom

allow_oom(KEYS[1])
local task = ARGV[1] .. ARGV[2]
if not is_hash(task) or redis.call('HGET', task, 'state') ~= 'active' then
  return 0
end
-- Protected, so that a broken queue does not keep a task of another from being marked.
if type(redis.pcall('ZSCORE', KEYS[1], ARGV[2])) ~= 'string' then
  return 0
end
redis.call('HSET', task, 'threadmill_cancel', '1')
return 1
