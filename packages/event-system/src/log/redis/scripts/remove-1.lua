-- Removes entries, wherever they stand. What some group has not acknowledged stays, unless forced.
-- Includes: order, fields, guard
--
-- KEYS  1 the stream
-- ARGV  1 '1' to force, 2 '1' for a dry run, 3.. message ids, each once
-- Returns {removed, lost, guarded, {group, lost by it, ...}}: lost counts what was removed unacknowledged, guarded is 1
-- when the guard kept one

local stream, force, isDry = KEYS[1], ARGV[1] == '1', ARGV[2] == '1'
local groups = groupsOf(stream)
local removed, lost, guarded = 0, 0, 0
for i = 3, #ARGV do
  local id = ARGV[i]
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
