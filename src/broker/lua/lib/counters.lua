-- The queue's counters (protocol, section 7). Needs: time, text, day.
local LARGEST = 9223372036854775807 -- compared as a double, as asynq does: totals near the end wrap to 1 as well
local NEAR = 1000000 -- far more than a double's distance to the next there
local COUNTER_TTL = 7776000 -- 90 days in seconds
local today = utc_day(now_s)

local function count_day(total_key, times)
  local key = total_key .. ':' .. today
  if redis.call('INCRBY', key, times) == times then
    redis.call('EXPIREAT', key, whole(now_s + COUNTER_TTL))
  end
end

local function is_full(key)
  local total = redis.call('GET', key)
  return total and tonumber(total) == LARGEST
end

-- As if it was counted once and once again; only near the end it is, after a step back where the total let itself be raised.
local function count_processed(processed, times)
  if times == 0 then
    return
  end
  count_day(processed, times)
  local total = redis.pcall('INCRBY', processed, times)
  local is_number = type(total) == 'number'
  if is_number and total < LARGEST - NEAR then
    return
  elseif is_number then
    redis.call('INCRBY', processed, -times)
  end
  for _ = 1, times do
    if is_full(processed) then
      redis.call('SET', processed, 1)
    else
      redis.call('INCR', processed)
    end
  end
end

-- Only the processed total is looked at, as in asynq.
local function count_processed_and_failed(processed, failed)
  count_day(processed, 1)
  count_day(failed, 1)
  if is_full(processed) then
    redis.call('SET', processed, 1)
    redis.call('SET', failed, 1)
  else
    redis.call('INCR', processed)
    redis.call('INCR', failed)
  end
end
