-- Removes the oldest entries, one bounded step of a trim. The guard: an entry that some group has not acknowledged stays,
-- and so does all behind it, unless forced.
-- Includes: order, fields, streams, merge, guard
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 how many at most, 3 only those appended before this time in ms (''
--       for any), 4 how many to keep, 5 '1' to force, 6 where to begin, as XRANGE takes it; '-' unless it is a dry run,
--       7 how many a dry run has counted so far, '' when it is none
-- Returns {removed, lost, guarded, {group, lost by it, ...}, the last id}: lost counts what was removed unacknowledged,
-- guarded is 1 when the guard ended the step

local stale = outdated()
if stale then return stale end
local streams = streamsFrom(2)

-- The length is looked at here, and not by the caller: of two that trim to the same length, the second finds it done.
local lengths, length = {}, 0
for _, stream in ipairs(streams) do
  lengths[stream] = redis.call('XLEN', stream)
  length = length + lengths[stream]
end
local isDry = ARGV[7] ~= ''
local most = math.min(tonumber(ARGV[2]), length - tonumber(ARGV[4]) - (isDry and tonumber(ARGV[7]) or 0))
if most <= 0 then return {0, 0, 0, {}, ''} end

local groups = groupsOf(streams)
local before = tonumber(ARGV[3])
local force = ARGV[5] == '1'
local removed, lost, guarded, last = 0, 0, 0, ''
local removedOf = {}
local entries, owners = mergedRows(streams, allFrom(streams, ARGV[6]), most, entriesUpTo('+'))
for i, entry in ipairs(entries) do
  if before and tonumber(string.match(entry[1], '^%d+')) >= before then break end
  local stream = owners[i]
  local losers = losersOf(stream, groups, entry[1])
  if #losers > 0 then
    if not force then
      guarded = 1
      break
    end
    lost = lost + 1
    for _, group in ipairs(losers) do group.lost = group.lost + 1 end
  end
  removed = removed + 1
  removedOf[stream] = (removedOf[stream] or 0) + 1
  last = entry[1]
end
if not isDry then
  for stream, count in pairs(removedOf) do redis.call('XTRIM', stream, 'MAXLEN', '=', lengths[stream] - count) end
end
return {removed, lost, guarded, lostByGroup(groups), last}
