-- Extends leases of one queue (protocol 9.7), and tells which of their tasks somebody wants canceled. Score and token are
-- written together. A lease of somebody else is left alone, and one that is over is never revived; but an entry that is
-- missing while the token still runs comes back: without it `active` would hold the task for ever (trap 12).
--
-- KEYS[1]  lease
-- KEYS[2]  active
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- ARGV[3]  length of the lease in milliseconds
-- ARGV[4]  the server
-- then per task: ID, run, '1' when it has begun else '0', then how many more values there are: '0', or
--          '3' and its beginning (see begun), progress and log (see report)
-- Returns  { { IDs that are not this server's run any more }, { IDs that were extended, but are to be canceled } }

-- include: time
-- include: text
-- include: held
-- include: begun
-- include: report
-- include: allow-oom

allow_oom(KEYS[1])
local expiry = whole(math.floor((now_ms + tonumber(ARGV[3])) / 1000))
local gone, canceled = {}, {}

local function is_missing_but_ours(holder, id, task)
  local token = token_of(task)
  if redis.call('ZSCORE', KEYS[1], id) or not token or string.sub(token, 1, #holder + 1) ~= holder .. ' ' then
    return false
  end
  local until_s = tonumber(string.sub(token, #holder + 2))
  return until_s and until_s > now_s and redis.call('LPOS', KEYS[2], id)
end

local function may_extend(holder, id, task)
  local score = held_until(holder, KEYS[1], id, task)
  if score then
    return tonumber(score) > now_s
  end
  return is_missing_but_ours(holder, id, task)
end

local i = 5
while i <= #ARGV do
  local more = tonumber(ARGV[i + 3])
  local id, holder = ARGV[i], ARGV[4] .. ' ' .. ARGV[i + 1]
  local task = ARGV[2] .. id
  if may_extend(holder, id, task) then
    redis.call('ZADD', KEYS[1], expiry, id)
    redis.call('HSET', task, 'threadmill_lease', holder .. ' ' .. expiry)
    if ARGV[i + 2] == '1' then
      mark_begun(task, more > 0 and ARGV[i + 4] or '')
    end
    if more > 0 then
      keep_report(task, i + 5)
    end
    if redis.call('HEXISTS', task, 'threadmill_cancel') == 1 then
      canceled[#canceled + 1] = id
    end
  else
    gone[#gone + 1] = id
  end
  i = i + 4 + more
end
return { gone, canceled }
