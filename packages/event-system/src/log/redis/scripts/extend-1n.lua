-- Sets the idle time of what a consumer holds to 0. Delivery counts stay. XCLAIM drops what is no longer in the stream.
-- Includes: streams, hold
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4.. message id and attempt in turn
-- Returns the ids whose hold was lost

local stale = outdated()
if stale then return stale end
local streams, group, consumer = streamsFrom(2), ARGV[2], ARGV[3]
local lost = {}
for i = 4, #ARGV, 2 do
  local stream = streamOf(streams, ARGV[i])
  local isHeld = held(stream, group, consumer, ARGV[i], ARGV[i + 1])
  local kept = isHeld and redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i], 'JUSTID') or {}
  if #kept == 0 then lost[#lost + 1] = ARGV[i] end
end
return lost
