-- Hands a consumer's own pending entries to it once more.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3.. message ids
-- Returns {{id, fields, deliveries}, ...} of those that it still holds and that are still in the stream

local deliveries = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i])[1]
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], pending[4] + 1} end
  end
end
return deliveries
