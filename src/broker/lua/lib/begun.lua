-- Notes which runs have begun, so that who recovers them knows that an attempt is to be spent. Rides on scripts that go to
-- the queue anyway. Takes pairs of ID and run from ARGV[first] on. Needs: held.
local function note_begun(server, lease, prefix, first, count)
  for i = first, first + 2 * count - 1, 2 do
    local id = ARGV[i]
    local task = prefix .. id
    if held_until(server .. ' ' .. ARGV[i + 1], lease, id, task) then
      redis.call('HSET', task, 'threadmill_begun', '1')
      redis.call('HDEL', task, 'threadmill_returns')
    end
  end
end
