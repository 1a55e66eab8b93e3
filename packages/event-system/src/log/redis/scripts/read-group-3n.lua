-- Hands the next entries of a partitioned log to a consumer of a group, in log order: XREADGROUP would take as many of
-- each stream, whichever are the older.
-- Includes: order, fields, streams, merge, describe
--
-- KEYS  1 the partitions, 2 the notes, 3 the amended payloads, 4.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4 how many at most
-- Returns {{id, fields, deliveries, note, amended payload}, ...}, or fails with NOGROUP

local stale = outdated()
if stale then return stale end
local streams, group, consumer = streamsFrom(4), ARGV[2], ARGV[3]
local GREATEST = '18446744073709551615-18446744073709551614'

-- Says that the consumer is there: it has nothing pending behind this id.
redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', streams[1], GREATEST)

local starts = {}
for i, stream in ipairs(streams) do
  local info = groupInfo(stream, group)
  if not info then return redis.error_reply('NOGROUP There is no consumer group ' .. group .. ' in ' .. stream) end
  starts[i] = '(' .. info['last-delivered-id']
end
local entries, owners = mergedRows(streams, starts, tonumber(ARGV[4]), entriesUpTo('+'))

local countOf = {}
for _, stream in ipairs(owners) do countOf[stream] = (countOf[stream] or 0) + 1 end
for stream, count in pairs(countOf) do
  redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
end
local deliveries = {}
for i, entry in ipairs(entries) do deliveries[i] = {entry[1], entry[2], 1} end
return describe(KEYS[2], KEYS[3], deliveries)
