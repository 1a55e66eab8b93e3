-- Hands pending entries that are no shard's to their shards, unless somebody has got them meanwhile.
-- Includes: hold
--
-- KEYS  1 the stream, 2 the stream of what was routed
-- ARGV  1 group, 2 the consumer that nobody is, 3 who routes, then message id, consumer that holds it, its deliveries and
--       the consumer of its shard, in turn
-- Returns what was told to others

local stream, group = KEYS[1], ARGV[1]
for i = 4, #ARGV, 4 do
  local row = held(stream, group, ARGV[i + 1], ARGV[i], ARGV[i + 2])
  if row then
    redis.call('XCLAIM', stream, group, ARGV[i + 3], 0, row[1], 'IDLE', row[3], 'RETRYCOUNT', row[4], 'JUSTID')
  end
end
removeWhenEmpty(stream, group, ARGV[2])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100, '*', 'by', ARGV[3])
