-- Gives tasks of one's own aggregation set back to their group, some hundreds per call.
--
-- KEYS[1]  aggregation_sets
-- KEYS[2]  groups
-- KEYS[3]  the group
-- KEYS[4]  the aggregation set
-- ARGV[1]  prefix of task hashes
-- ARGV[2]  name of the group
-- ARGV[3]  how many of the first stay in the set
-- Returns  how many are still to be given back, then the dropped IDs

-- include: hash
-- include: unstage
-- include: allow-oom

allow_oom(KEYS[1])

local keep = tonumber(ARGV[3])
local place = {
  sets = KEYS[1], groups = KEYS[2], group = KEYS[3], set = KEYS[4], task_prefix = ARGV[1], name = ARGV[2],
}
local left, _, dropped = unstage(place, keep)
return { math.max(left - keep, 0), unpack(dropped) }
