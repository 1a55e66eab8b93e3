-- Makes a group, with nothing left of one that had its name, and keeps the place where it begins. It is there when the
-- log's own stream has it, and then in all others too.
-- Includes: order, fields, streams, place
--
-- KEYS  1 the partitions, 2 the place that was kept, 3 to 7 what a group keeps beside its pending entries, 8.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 the last id that it has behind it, 4 '1' to prefer the place
--       that was kept
-- Returns 1, or 0 when it exists

local stale = outdated()
if stale then return stale end
local streams, group, behind = streamsFrom(8), ARGV[2], ARGV[3]
if groupInfo(streams[1], group) then
  for _, stream in ipairs(streams) do
    if not groupInfo(stream, group) then putGroup('CREATE', stream, group, '0') end
  end
  return 0
end

local place = ARGV[4] == '1' and redis.call('GET', KEYS[2])
if place then
  -- A log that has lost its end takes ids up to the place once more: those are new.
  local newest = '0-0'
  for _, stream in ipairs(streams) do
    local last = endOf(stream)
    if precedes(newest, last) then newest = last end
  end
  behind = precedes(newest, place) and newest or place
end
for _, stream in ipairs(streams) do
  if groupInfo(stream, group) then redis.call('XGROUP', 'DESTROY', stream, group) end
  putGroup('CREATE', stream, group, behind)
end
for i = 3, 7 do redis.call('UNLINK', KEYS[i]) end
place = '0-0'
for _, stream in ipairs(streams) do
  local delivered = groupInfo(stream, group)['last-delivered-id']
  if precedes(place, delivered) then place = delivered end
end
redis.call('SET', KEYS[2], place)
return 1
