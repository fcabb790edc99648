-- Whether a task is leased for this owner, in `lease`. A Go server that takes a task over leaves `tm_owner` behind, but
-- writes another score, so the score must be the one that the owner wrote. A key of another type answers an error,
-- whose fields are nil.
local function is_held_by(owner, lease, id, task)
  local fields = redis.pcall('HMGET', task, 'tm_owner', 'tm_lease')
  if fields[1] ~= owner or not fields[2] then
    return false
  end
  return redis.call('ZSCORE', lease, id) == fields[2]
end
