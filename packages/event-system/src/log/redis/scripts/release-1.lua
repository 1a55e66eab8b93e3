-- Hands a consumer's own pending entries back: held by a consumer that nobody is, as old as can be, so that any claim
-- takes them, and with one delivery less.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3 the consumer that nobody is, 4 idle time that passes every claim, in ms, 5.. message ids

for i = 5, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    local deliveries = math.max(pending[4] - 1, 0)
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[i], 'IDLE', ARGV[4], 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
