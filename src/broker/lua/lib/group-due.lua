-- Whether a group is to be aggregated now (protocol 11.2). Needs: time.
local function score_at(group, rank)
  return tonumber(redis.call('ZRANGE', group, rank, rank, 'WITHSCORES')[2])
end

-- `rules`: grace period and longest delay in whole seconds, largest size; 0 = no such limit.
local function is_due(group, size, rules)
  if rules.max_size > 0 and size >= rules.max_size then
    return true
  end
  if rules.max_delay > 0 and score_at(group, 0) <= now_s - rules.max_delay then
    return true
  end
  return score_at(group, -1) <= now_s - rules.grace
end
