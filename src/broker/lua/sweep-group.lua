-- Deletes tasks that were aggregated, some hundreds per call, with their locks.
--
-- KEYS[1]  the closed set
-- KEYS[2]  the registry of closed sets
-- ARGV[1]  prefix of task hashes
-- then     ID and lock of tasks that have one, at least of the first so many of the set
-- Returns  how many tasks are left

-- include: unlock
-- include: sweep

local locks = {}
for i = 2, #ARGV, 2 do
  locks[ARGV[i]] = ARGV[i + 1]
end
return sweep(KEYS[1], KEYS[2], ARGV[1], locks)
