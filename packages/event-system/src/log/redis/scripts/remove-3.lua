-- Removes entries, wherever they stand. What some group has not acknowledged, or some guarding cursor has not passed, stays,
-- unless forced.
-- Includes: guard
--
-- KEYS  1 the stream, 2 the cursors, 3 partition 0
-- ARGV  1 '1' to force, 2 '1' for a dry run, 3 the number of the partition, 4.. ids in it, each once
-- Returns {removed, lost, guarded, {name, lost by it, ...}}: lost counts what was removed against the guard, guarded is 1
-- when the guard kept one

local stream, force, isDry = KEYS[1], ARGV[1] == '1', ARGV[2] == '1'
local guards = guardsOf(stream, KEYS[2], KEYS[3], tonumber(ARGV[3]))
local removed, lost, guarded = 0, 0, 0
for i = 4, #ARGV do
  local id = ARGV[i]
  if #redis.call('XRANGE', stream, id, id) == 1 then
    local losers = losersOf(stream, guards, id)
    if #losers > 0 and not force then
      guarded = 1
    else
      if #losers > 0 then lost = lost + 1 end
      for _, guard in ipairs(losers) do guard.lost = guard.lost + 1 end
      removed = removed + 1
      if not isDry then redis.call('XDEL', stream, id) end
    end
  end
end
return {removed, lost, guarded, lostByName(guards)}
