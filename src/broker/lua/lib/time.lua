-- Redis's clock, shifted by ARGV[1] seconds (0 outside tests). Every script that includes this keeps ARGV[1] for it.
--   now_s   whole seconds, the unit of all scores
--   now_ms  milliseconds with a fraction, for rounding
--   now_ns  nanoseconds as text: a Lua number has 53 bits and would lose the end
local clock = redis.call('TIME')
local now_s = clock[1] + ARGV[1]
local now_us = now_s * 1000000 + clock[2] -- whole: 51 bits until 2041, 53 until 2255
local now_ms = now_us / 1000
local now_ns = string.format('%.0f000', now_us)
