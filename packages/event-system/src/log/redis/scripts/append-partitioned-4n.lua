-- Appends events to the streams of their types: append-3 for a log that is partitioned. All of them in one step.
-- Includes: append, clock, streams
--
-- KEYS  1 the partitions, 2, 3 the two hashes of deduplication, 4 the bell, 5.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 the window in ms; 0 for none, then the events in rows, payload
--       and number of the stream of each
-- Returns {message ids, indexes (from 0) of those that were there already}

local stale = outdated()
if stale then return stale end
local streams = streamsFrom(5)
-- A key of another type fails here.
eachEvent(3, #ARGV, 2, function(i) redis.call('XLEN', streams[ARGV[i + 1] + 1]) end)

local append, finish = partitionedAppender(streams, KEYS[4])
local function add(i) return append(ARGV[i], tonumber(ARGV[i + 1])) end
local ids, duplicates = appendEvents(streams, KEYS[2], KEYS[3], tonumber(ARGV[2]), 3, #ARGV, 2, add)
finish()
return {ids, duplicates}
