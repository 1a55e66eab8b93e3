-- Keeps the place of a group: just before the oldest entry that it has not acknowledged.
-- Includes: order, fields, streams
--
-- KEYS  1 the partitions, 2 the place, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group

local LAST_SEQUENCE = '18446744073709551615'

local function justBefore(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  if sequence ~= '0' then return ms .. '-' .. string.format('%.0f', tonumber(sequence) - 1) end
  return string.format('%.0f', math.max(tonumber(ms) - 1, 0)) .. '-' .. LAST_SEQUENCE
end

local stale = outdated()
if stale then return stale end
local streams, group = streamsFrom(3), ARGV[2]
local place, undone = nil, nil
for _, stream in ipairs(streams) do
  local first = redis.call('XPENDING', stream, group)[2] -- Without the group, it ends here.
  local delivered = groupInfo(stream, group)['last-delivered-id']
  if not first and #streams > 1 then
    local next = redis.call('XRANGE', stream, '(' .. delivered, '+', 'COUNT', 1)[1]
    first = next and next[1]
  end
  if first and (not undone or precedes(first, undone)) then undone = first end
  if not place or precedes(place, delivered) then place = delivered end
end
if undone and not precedes(place, undone) then place = justBefore(undone) end
redis.call('SET', KEYS[2], place)
