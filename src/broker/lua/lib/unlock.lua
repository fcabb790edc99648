-- Gives back the lock of a unique task, if it is still this task's (protocol 6.3). Protected: the key comes out of a
-- message or a hash, so it may be of any type, or in Cluster in another slot.
local function unlock(unique_key, id)
  if unique_key and unique_key ~= '' and redis.pcall('GET', unique_key) == id then
    redis.call('DEL', unique_key)
  end
end
