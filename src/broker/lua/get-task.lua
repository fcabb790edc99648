-- Reads one task (protocol 13.5).
--
-- KEYS[1]  the task's hash
-- KEYS[2]  scheduled
-- KEYS[3]  retry
-- ARGV[1]  task ID
-- Returns  { message, state, result, due time in Unix seconds as text, group, unique key,
--            attempts, progress, log, run duration }, each nil when absent; nil without hash

if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local task = redis.call('HMGET', KEYS[1], 'msg', 'state', 'result', 'group', 'unique_key', 'threadmill_attempts',
  'threadmill_progress', 'threadmill_log', 'threadmill_run_ms')
local due = false
if task[2] == 'scheduled' then
  due = redis.call('ZSCORE', KEYS[2], ARGV[1])
elseif task[2] == 'retry' then
  due = redis.call('ZSCORE', KEYS[3], ARGV[1])
end
return { task[1], task[2], task[3], due, task[4], task[5], task[6], task[7], task[8], task[9] }
