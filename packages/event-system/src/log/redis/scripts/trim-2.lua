-- Removes the oldest entries, one bounded step of a trim. The guard: an entry that some group has not acknowledged, or some
-- guarding cursor has not passed, stays, and so does all behind it, unless forced.
-- Includes: guard
--
-- KEYS  1 the stream, 2 the cursors
-- ARGV  1 how many at most, 2 only those appended before this time in ms ('' for any), 3 how many to keep, 4 '1' to
--       force, 5 where to begin, as XRANGE takes it; '-' unless it is a dry run, 6 how many a dry run has counted so far,
--       '' when it is none
-- Returns {removed, lost, guarded, {name, lost by it, ...}, the last id}: lost counts what was removed against the guard,
-- guarded is 1 when the guard ended the step

local stream, before, force, isDry = KEYS[1], tonumber(ARGV[2]), ARGV[4] == '1', ARGV[6] ~= ''

-- The length is looked at here, and not by the caller: of two that trim to the same length, the second finds it done.
local length = redis.call('XLEN', stream)
local most = math.min(tonumber(ARGV[1]), length - tonumber(ARGV[3]) - (isDry and tonumber(ARGV[6]) or 0))
if most <= 0 then return {0, 0, 0, {}, ''} end

local guards = guardsOf(stream, KEYS[2])
local removed, lost, guarded, last = 0, 0, 0, ''
for _, entry in ipairs(redis.call('XRANGE', stream, ARGV[5], '+', 'COUNT', most)) do
  local id = entry[1]
  if before and tonumber(string.match(id, '^%d+')) >= before then break end
  local losers = losersOf(stream, guards, id)
  if #losers > 0 then
    if not force then
      guarded = 1
      break
    end
    lost = lost + 1
    for _, guard in ipairs(losers) do guard.lost = guard.lost + 1 end
  end
  removed = removed + 1
  last = id
end
if not isDry and removed > 0 then redis.call('XTRIM', stream, 'MAXLEN', '=', length - removed) end
return {removed, lost, guarded, lostByName(guards), last}
