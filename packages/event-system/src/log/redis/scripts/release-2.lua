-- Hands back what a consumer holds: without a delay to the consumer that nobody is, with one delivery less, so that any
-- claim takes it; with a delay to the one that waits, until it is due.
-- Includes: hold
--
-- KEYS  1 the stream, 2 the sorted set of delayed entries, by when they are due
-- ARGV  1 group, 2 consumer, 3 the consumer that nobody is, 4 the one that waits, 5 the delay in ms, 6.. message id and
--       attempt in turn
-- Returns the ids whose hold was lost

local stream, group, delay = KEYS[1], ARGV[1], tonumber(ARGV[5])
local time = redis.call('TIME')
local due = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + delay)
redis.call('ZCARD', KEYS[2]) -- A key of another type fails here.

local lost = {}
for i = 6, #ARGV, 2 do
  local id = ARGV[i]
  local row = held(stream, group, ARGV[2], id, ARGV[i + 1])
  if not row then
    lost[#lost + 1] = id
  else
    local heir = delay > 0 and ARGV[4] or ARGV[3]
    local deliveries = delay > 0 and row[4] or math.max(row[4] - 1, 0)
    if delay > 0 then redis.call('ZADD', KEYS[2], due, id) end
    redis.call('XCLAIM', stream, group, heir, 0, id, 'IDLE', row[3], 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
return lost
