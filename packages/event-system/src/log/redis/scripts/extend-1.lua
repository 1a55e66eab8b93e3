-- Sets the idle time of a consumer's own pending entries to 0. Their delivery counts stay.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3.. message ids
-- Returns the ids that it still holds

local kept = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    kept[#kept + 1] = ARGV[i]
  end
end
return kept
