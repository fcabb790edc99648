-- When a task is due that is to wait. Needs: time.
-- The first whole second that is not before `ms` milliseconds from now, or now itself when there is nothing to wait for.
local function seconds_from_now(ms)
  if ms <= 0 then
    return now_s
  end
  return math.ceil((now_ms + ms) / 1000)
end
