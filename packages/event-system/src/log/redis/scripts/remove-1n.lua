-- Removes entries, wherever they stand. What some group has not acknowledged stays, unless forced.
-- Includes: order, fields, streams, guard
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 '1' to force, 3 '1' for a dry run, 4.. message ids, each once
-- Returns {removed, lost, guarded, {group, lost by it, ...}}: lost counts what was removed unacknowledged, guarded is 1
-- when the guard kept one

local stale = outdated()
if stale then return stale end
local streams = streamsFrom(2)
local groups = groupsOf(streams)
local force, isDry = ARGV[2] == '1', ARGV[3] == '1'
local removed, lost, guarded = 0, 0, 0
for i = 4, #ARGV do
  local id = ARGV[i]
  local stream = streamOf(streams, id)
  if #redis.call('XRANGE', stream, id, id) == 1 then
    local losers = losersOf(stream, groups, id)
    if #losers > 0 and not force then
      guarded = 1
    else
      if #losers > 0 then lost = lost + 1 end
      for _, group in ipairs(losers) do group.lost = group.lost + 1 end
      removed = removed + 1
      if not isDry then redis.call('XDEL', stream, id) end
    end
  end
end
return {removed, lost, guarded, lostByGroup(groups)}
