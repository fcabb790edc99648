-- Keeps an attempt that has ended in the task's history, which holds ten lines, the oldest first. For people to look at:
-- nothing is decided by it. Needs: time, text.
local KEPT = 10
local LONGEST = 65536 -- bytes: a longer history is none of ours

local function with_line(history, line)
  local lines = {}
  if history and #history <= LONGEST then
    for each in string.gmatch(history, '[^\n]+') do
      lines[#lines + 1] = each
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, '\n', math.max(1, #lines - KEPT + 1))
end

-- Takes four values from ARGV[at] on: milliseconds since the end; how long it ran, or '' where only the note of its
-- beginning tells; thread and server; outcome and error. The task's hash must be there.
local function keep_attempt(task, kind, at)
  local found = redis.call('HMGET', task, 'threadmill_attempts', 'threadmill_started')
  local ended_ms = now_ms - tonumber(ARGV[at])
  local run_ms, place = tonumber(ARGV[at + 1]), ARGV[at + 2]
  if not run_ms then
    local started_ms, noted_place = string.match(found[2] or '', '^(%d+) (%S+ %S+)$')
    run_ms = started_ms and math.max(0, ended_ms - tonumber(started_ms)) or 0
    place = noted_place or place
  end
  local line = table.concat({ whole(ended_ms), whole(run_ms), place, ARGV[at + 3] }, ' ')
  local fields = { 'threadmill_attempts', with_line(found[1], line) }
  if kind == 'complete' then
    fields[3], fields[4] = 'threadmill_run_ms', whole(run_ms)
  end
  redis.call('HSET', task, unpack(fields))
end
