-- Redis's clock, shifted by ARGV[1] seconds (0 outside tests). Every script that includes this keeps ARGV[1] for it.
--   now_s   whole seconds, the unit of all scores
--   now_ms  milliseconds with a fraction, for rounding
--   now_ns  nanoseconds as text: a Lua number has 53 bits and would lose the end
local clock = redis.call('TIME')
local now_s = tonumber(clock[1]) + tonumber(ARGV[1])
local now_ms = now_s * 1000 + tonumber(clock[2]) / 1000
local now_ns = string.format('%.0f%06d000', now_s, tonumber(clock[2]))

-- The first whole second that is not before `ms` milliseconds from now, or now itself when there is nothing to wait for.
local function seconds_from_now(ms)
  if ms <= 0 then
    return now_s
  end
  return math.ceil((now_ms + ms) / 1000)
end
