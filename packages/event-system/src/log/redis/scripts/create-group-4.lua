-- Makes a group, with nothing left of one that had its name, and keeps the place where it begins.
-- Includes: order, fields, place
--
-- KEYS  1 the stream, 2 the place that was kept, 3 the attachments, 4 the sorted set of delayed entries
-- ARGV  1 group, 2 the last id that it has behind it, 3 '1' to prefer the place that was kept
-- Returns 1, or 0 when it exists

local stream, group, behind = KEYS[1], ARGV[1], ARGV[2]
if groupInfo(stream, group) then return 0 end

local place = ARGV[3] == '1' and redis.call('GET', KEYS[2])
if place then
  -- A log that has lost its end takes ids up to the place once more: those are new.
  local newest = endOf(stream)
  behind = precedes(newest, place) and newest or place
end
putGroup('CREATE', stream, group, behind)
redis.call('UNLINK', KEYS[3], KEYS[4])
redis.call('SET', KEYS[2], groupInfo(stream, group)['last-delivered-id'])
return 1
