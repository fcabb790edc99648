-- Trims the archive by age and size (protocol 9.6), at most `most` tasks of each. Trimmed tasks lose their hash too: asynq's
-- inspector leaves it, so that the ID conflicts for ever (D6). In chunks: `unpack` of 8000 or more values raises an error,
-- and asynq then leaves a task half archived (D7). Answers whether there is more to trim. Needs: time, text.
local ARCHIVE_AGE = 7776000 -- 90 days in seconds
local ARCHIVE_SIZE = 9999 -- asynq's negative rank is inclusive, so that it keeps one less than 10000
local CHUNK = 1000
local TRIM_STEP = 500 -- of one call: an archive that is 90,000 too long would hold Redis for a quarter of a second

local function drop_archived(archived, task_prefix, ids)
  local hashes = {}
  for i, id in ipairs(ids) do
    hashes[i] = task_prefix .. id
  end
  redis.call('DEL', unpack(hashes))
  redis.call('ZREM', archived, unpack(ids))
end

local function trim_by_age(archived, task_prefix, most)
  local cutoff = whole(now_s - ARCHIVE_AGE)
  while most > 0 do
    local ids = redis.call('ZRANGEBYSCORE', archived, '-inf', cutoff, 'LIMIT', 0, math.min(most, CHUNK))
    if #ids == 0 then
      return
    end
    drop_archived(archived, task_prefix, ids)
    most = most - #ids
  end
end

local function trim_by_size(archived, task_prefix, most)
  local excess = math.min(most, redis.call('ZCARD', archived) - ARCHIVE_SIZE)
  while excess > 0 do
    local ids = redis.call('ZRANGE', archived, 0, math.min(excess, CHUNK) - 1)
    drop_archived(archived, task_prefix, ids)
    excess = excess - #ids
  end
end

local function trim_archive(archived, task_prefix, most)
  trim_by_age(archived, task_prefix, most)
  trim_by_size(archived, task_prefix, most)
  local oldest = redis.call('ZRANGE', archived, 0, 0, 'WITHSCORES')[2]
  return oldest ~= nil and tonumber(oldest) <= now_s - ARCHIVE_AGE
    or redis.call('ZCARD', archived) > ARCHIVE_SIZE
end
