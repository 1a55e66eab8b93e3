-- Removes entries, wherever they stand. What some group has not acknowledged stays, unless forced.
-- Includes: order, fields, guard
--
-- KEYS  1 the stream
-- ARGV  1 '1' to force, 2 '1' for a dry run, 3.. message ids, each once
-- Returns {removed, lost, guarded, {group, lost by it, ...}}: lost counts what was removed unacknowledged, guarded is 1
-- when the guard kept one

local stream = KEYS[1]
if redis.call('EXISTS', stream) == 0 then return {0, 0, 0, {}} end

local groups = groupsOf(stream)
local force = ARGV[1] == '1'
local removed, lost, guarded = {}, 0, 0
for i = 3, #ARGV do
  local id = ARGV[i]
  if #redis.call('XRANGE', stream, id, id) == 1 then
    local losers = losersOf(stream, groups, id)
    if #losers > 0 and not force then
      guarded = 1
    else
      if #losers > 0 then lost = lost + 1 end
      for _, group in ipairs(losers) do group.lost = group.lost + 1 end
      removed[#removed + 1] = id
    end
  end
end
if #removed > 0 and ARGV[2] ~= '1' then redis.call('XDEL', stream, unpack(removed)) end
return {#removed, lost, guarded, lostByGroup(groups)}
