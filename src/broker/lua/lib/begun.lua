-- Notes which runs have begun, so that who recovers them knows that an attempt is to be spent; and for people since when
-- and where, which stands in the history if nobody is left to tell it. Needs: time, text.
-- `start`: milliseconds since then, thread and server, or ''.
local function mark_begun(task, start)
  local ago_ms, place = string.match(start, '^(%d+) (.+)$')
  if ago_ms then
    local started = whole(now_ms - tonumber(ago_ms)) .. ' ' .. place
    redis.call('HSET', task, 'threadmill_begun', '1', 'threadmill_started', started)
  else
    redis.call('HSET', task, 'threadmill_begun', '1')
  end
  redis.call('HDEL', task, 'threadmill_returns')
end
