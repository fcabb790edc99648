-- Whose a lease is. A token, `<server> <run> <expiry>`, stands beside the task, and holds only while its expiry is the
-- score in `lease`: a Go server that takes a task over leaves the token behind, but writes another score.
local function token_of(task)
  local token = redis.pcall('HGET', task, 'threadmill_lease') -- a key of another type answers an error: no token
  return type(token) == 'string' and token or nil
end

-- The token, if it is the one that the lease was written with.
local function holding_token(task, score)
  local token = token_of(task)
  if token and string.match(token, '^%S+ %d+ (%d+)$') == score then
    return token
  end
  return false
end

-- `holder` is `<server> <run>`, `score` that of the lease, if there is one. Answers the score if it holds, as text.
local function held_at(holder, score, task)
  if score and token_of(task) == holder .. ' ' .. score then
    return score
  end
  return nil
end

local function held_until(holder, lease, id, task)
  return held_at(holder, redis.call('ZSCORE', lease, id), task)
end
