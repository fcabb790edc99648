-- Trims the archive of a queue further, which was longer than one call may make it shorter.
--
-- KEYS[1]  archived
-- ARGV[1]  time offset in seconds
-- ARGV[2]  prefix of task hashes
-- Returns  1 = there is more, 0 = none

-- include: time
-- include: text
-- include: trim-archive
-- include: allow-oom

allow_oom(KEYS[1])
return trim_archive(KEYS[1], ARGV[2], TRIM_STEP) and 1 or 0
