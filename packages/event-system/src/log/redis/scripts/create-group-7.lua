-- Makes a group, with nothing left of one that had its name, and keeps the place where it begins.
-- Includes: order, fields
--
-- KEYS  1 the stream, 2 the place that was kept, 3.. what a group keeps beside its pending entries
-- ARGV  1 group, 2 the last id that it has behind it, 3 '1' to prefer the place that was kept
-- Returns 1, or 0 when it exists

if groupInfo(KEYS[1], ARGV[1]) then return 0 end
local behind = ARGV[2]
local place = ARGV[3] == '1' and redis.call('GET', KEYS[2])
if place then
  -- A log that has lost its end takes ids up to the place once more: those are new.
  local isThere = redis.call('EXISTS', KEYS[1]) == 1
  local newest = isThere and fieldsOf(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id'] or '0-0'
  behind = precedes(newest, place) and newest or place
end
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], behind, 'MKSTREAM')
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('SET', KEYS[2], groupInfo(KEYS[1], ARGV[1])['last-delivered-id'])
return 1
