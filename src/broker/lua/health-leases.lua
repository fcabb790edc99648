-- Tells which of some leased tasks are not in `active` (trap 12). If it is to mend, those that are active by their state
-- get back there, from where they can be recovered, and the leases of others go.
--
-- KEYS[1]  lease
-- KEYS[2]  active
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  '1' = mend
-- ARGV[3]  the IDs from here on
-- Returns  { ID, state or '', ... }

-- include: allow-oom

local MENDS = ARGV[2] == '1'

local function mend(id, state)
  if state == 'active' then
    redis.call('LPUSH', KEYS[2], id)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end

if MENDS then
  allow_oom(KEYS[1])
end
local found = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('ZSCORE', KEYS[1], id) and not redis.call('LPOS', KEYS[2], id) then
    local state = redis.pcall('HGET', ARGV[1] .. id, 'state')
    state = type(state) == 'string' and state or ''
    found[#found + 1] = id
    found[#found + 1] = state
    if MENDS then
      mend(id, state)
    end
  end
end
return found
