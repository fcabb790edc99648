-- Gives staged tasks back to their group, in steps: a set may hold thousands. A set that is given back in part is still
-- listed, so that a crash between two steps loses nothing. Needs: hash.
local UNSTAGE_STEP = 500

-- Moves what stands behind the first `keep`. The group's name is registered again, which asynq forgets (D2). IDs whose
-- hash is gone are dropped: in a group they would break the tools' view of the queue (trap 8).
-- Answers how many are left in the set, and what was given back and dropped.
local function unstage(place, keep)
  local entries = redis.call('ZRANGE', place.set, keep, keep + UNSTAGE_STEP - 1, 'WITHSCORES')
  local back, dropped = {}, {}
  for i = 1, #entries, 2 do
    if is_hash(place.task_prefix .. entries[i]) then
      back[#back + 1] = entries[i + 1]
      back[#back + 1] = entries[i]
    else
      dropped[#dropped + 1] = entries[i]
    end
  end
  if #back > 0 then
    redis.call('ZADD', place.group, unpack(back))
    redis.call('SADD', place.groups, place.name)
  end
  if #entries > 0 then
    redis.call('ZREMRANGEBYRANK', place.set, keep, keep + #entries / 2 - 1)
  end
  local left = redis.call('ZCARD', place.set)
  if left == 0 then
    redis.call('ZREM', place.sets, place.set)
  end
  return left, #back / 2, dropped
end
