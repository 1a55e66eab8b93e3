-- Keeps the place of a group: just before the oldest entry that it has not acknowledged.
-- Includes: order, fields
--
-- KEYS  1 the stream, 2 the place
-- ARGV  1 group

local LAST_SEQUENCE = '18446744073709551615'

local function justBefore(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  if sequence ~= '0' then return ms .. '-' .. string.format('%.0f', tonumber(sequence) - 1) end
  return string.format('%.0f', math.max(tonumber(ms) - 1, 0)) .. '-' .. LAST_SEQUENCE
end

local oldest = redis.call('XPENDING', KEYS[1], ARGV[1])[2] -- Without the group, it ends here.
local place = groupInfo(KEYS[1], ARGV[1])['last-delivered-id']
if oldest and not precedes(place, oldest) then place = justBefore(oldest) end
redis.call('SET', KEYS[2], place)
