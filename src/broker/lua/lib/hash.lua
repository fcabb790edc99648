-- Whether a key holds a hash. A key of another type counts as none: a command on it would fail the whole script, and with
-- it the other tasks of the call, at every try.
local function is_hash(key)
  return redis.call('TYPE', key).ok == 'hash'
end
