-- Puts a task into the archive and trims it by age and size (protocol 9.6). Trimmed tasks lose their hash too.
-- In chunks: `unpack` of 8000 or more values raises an error, and asynq then leaves a task half archived (D7).
-- Needs: time, text.
local ARCHIVE_AGE = 7776000 -- 90 days in seconds
local ARCHIVE_SIZE = 9999 -- asynq's negative rank is inclusive, so that it keeps one less than 10000
local CHUNK = 1000

local function drop_archived(archived, task_prefix, ids)
  local hashes = {}
  for i, id in ipairs(ids) do
    hashes[i] = task_prefix .. id
  end
  redis.call('DEL', unpack(hashes))
  redis.call('ZREM', archived, unpack(ids))
end

local function trim_by_age(archived, task_prefix)
  local cutoff = whole(now_s - ARCHIVE_AGE)
  while true do
    local ids = redis.call('ZRANGEBYSCORE', archived, '-inf', cutoff, 'LIMIT', 0, CHUNK)
    if #ids == 0 then
      return
    end
    drop_archived(archived, task_prefix, ids)
  end
end

local function trim_by_size(archived, task_prefix)
  local excess = redis.call('ZCARD', archived) - ARCHIVE_SIZE
  while excess > 0 do
    local ids = redis.call('ZRANGE', archived, 0, math.min(excess, CHUNK) - 1)
    drop_archived(archived, task_prefix, ids)
    excess = excess - #ids
  end
end

-- The hash is written before the trim, so that a task which is trimmed at once leaves nothing behind.
local function archive(archived, task_prefix, id, message)
  redis.call('ZADD', archived, whole(now_s), id)
  redis.call('HSET', task_prefix .. id, 'msg', message, 'state', 'archived')
  trim_by_age(archived, task_prefix)
  trim_by_size(archived, task_prefix)
end
