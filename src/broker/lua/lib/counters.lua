-- The queue's counters (protocol, section 7). Needs: time, text, day.
local LARGEST = 9223372036854775807 -- compared as a double, as asynq does: totals near the end wrap to 1 as well
local COUNTER_TTL = 7776000 -- 90 days in seconds
local today = utc_day(now_s)

local function count_day(total_key)
  local key = total_key .. ':' .. today
  if redis.call('INCR', key) == 1 then
    redis.call('EXPIREAT', key, whole(now_s + COUNTER_TTL))
  end
end

local function is_full(key)
  local total = redis.call('GET', key)
  return total and tonumber(total) == LARGEST
end

local function count_processed(processed)
  count_day(processed)
  if is_full(processed) then
    redis.call('SET', processed, 1)
  else
    redis.call('INCR', processed)
  end
end

-- Only the processed total is looked at, as in asynq.
local function count_processed_and_failed(processed, failed)
  count_day(processed)
  count_day(failed)
  if is_full(processed) then
    redis.call('SET', processed, 1)
    redis.call('SET', failed, 1)
  else
    redis.call('INCR', processed)
    redis.call('INCR', failed)
  end
end
