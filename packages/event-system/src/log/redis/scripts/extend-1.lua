-- Sets the idle time of what a consumer holds to 0. Delivery counts stay. XCLAIM drops what is no longer in the stream.
-- Includes: hold
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3.. message id and attempt in turn
-- Returns the ids whose hold was lost

local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local lost = {}
for i = 3, #ARGV, 2 do
  local isHeld = held(stream, group, consumer, ARGV[i], ARGV[i + 1])
  local kept = isHeld and redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i], 'JUSTID') or {}
  if #kept == 0 then lost[#lost + 1] = ARGV[i] end
end
return lost
