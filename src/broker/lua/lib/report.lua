-- Keeps what the handler of an attempt reported last: two values from ARGV[at] on, progress and log, each '' where it has
-- not changed. The task's hash must be there.
local function keep_report(task, at)
  if ARGV[at] ~= '' then
    redis.call('HSET', task, 'threadmill_progress', ARGV[at])
  end
  if ARGV[at + 1] ~= '' then
    redis.call('HSET', task, 'threadmill_log', ARGV[at + 1])
  end
end
