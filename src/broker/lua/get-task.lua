-- Reads one task (protocol 13.5).
--
-- KEYS[1]  the task's hash
-- KEYS[2]  scheduled
-- KEYS[3]  retry
-- ARGV[1]  task ID
-- Returns  { message, result (1: left out, see value), state, due time in Unix seconds as text, group, unique key,
--            attempts, progress, log, run duration }, each nil when absent; nil without hash

-- include: value

if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local message, result = value_of(KEYS[1], 'msg'), value_of(KEYS[1], 'result')
local task = redis.call('HMGET', KEYS[1], 'state', 'group', 'unique_key', 'threadmill_attempts', 'threadmill_progress',
  'threadmill_log', 'threadmill_run_ms')
local due = false
if task[1] == 'scheduled' then
  due = redis.call('ZSCORE', KEYS[2], ARGV[1])
elseif task[1] == 'retry' then
  due = redis.call('ZSCORE', KEYS[3], ARGV[1])
end
return { message, result, task[1], due, unpack(task, 2) }
