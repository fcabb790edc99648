-- Archives staged tasks whose bytes cannot be read: no aggregate function can be given them, and left in their group they
-- would come again for ever.
--
-- KEYS[1]  the aggregation set
-- KEYS[2]  archived
-- KEYS[3]  processed (its daily key is derived)
-- KEYS[4]  failed (its daily key is derived)
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- then     ID, message head, tag of the instant or '', message tail of each
-- Returns  how many were archived

-- include: time
-- include: text
-- include: day
-- include: counters
-- include: stamp
-- include: trim-archive
-- include: archive
-- include: allow-oom

allow_oom(KEYS[1])

local archived = 0
for i = 3, #ARGV, 4 do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    archive(KEYS[2], ARGV[2], ARGV[i], stamped(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]))
    count_processed_and_failed(KEYS[3], KEYS[4])
    archived = archived + 1
  end
end
trim_archive(KEYS[2], ARGV[2], archived + TRIM_STEP)
return archived
