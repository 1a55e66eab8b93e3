-- Hands back what a consumer holds: without a delay to the consumer that nobody is, with one delivery less, so that any
-- claim takes it; with a delay to the one that waits, until it is due.
-- Includes: streams, hold
--
-- KEYS  1 the partitions, 2 the sorted set of delayed entries, by when they are due, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4 the consumer that nobody is, 5 the one that
--       waits, 6 the delay in ms, 7.. message id and attempt in turn
-- Returns the ids whose hold was lost

local stale = outdated()
if stale then return stale end
local streams, group, delay = streamsFrom(3), ARGV[2], tonumber(ARGV[6])
local time = redis.call('TIME')
local due = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + delay)
redis.call('ZCARD', KEYS[2]) -- A key of another type fails here.

local lost = {}
for i = 7, #ARGV, 2 do
  local id = ARGV[i]
  local stream = streamOf(streams, id)
  local row = held(stream, group, ARGV[3], id, ARGV[i + 1])
  if not row then
    lost[#lost + 1] = id
  else
    local heir = delay > 0 and ARGV[5] or ARGV[4]
    local deliveries = delay > 0 and row[4] or math.max(row[4] - 1, 0)
    if delay > 0 then redis.call('ZADD', KEYS[2], due, id) end
    redis.call('XCLAIM', stream, group, heir, 0, id, 'IDLE', row[3], 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
return lost
