-- Hands pending entries that are no shard's to their shards, unless somebody has got them meanwhile.
-- Includes: streams, hold
--
-- KEYS  1 the partitions, 2 the stream of what was routed, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 the consumer that nobody is, 4 who routes, then message id,
--       consumer that holds it, its deliveries and the consumer of its shard, in turn
-- Returns what was told to others

local stale = outdated()
if stale then return stale end
local streams, group = streamsFrom(3), ARGV[2]
for i = 5, #ARGV, 4 do
  local stream = streamOf(streams, ARGV[i])
  local row = held(stream, group, ARGV[i + 1], ARGV[i], ARGV[i + 2])
  if row then
    redis.call('XCLAIM', stream, group, ARGV[i + 3], 0, row[1], 'IDLE', row[3], 'RETRYCOUNT', row[4], 'JUSTID')
  end
end
removeWhenEmpty(streams, group, ARGV[3])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100, '*', 'by', ARGV[4])
