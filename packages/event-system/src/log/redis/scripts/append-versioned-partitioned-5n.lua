-- Appends events of which some have a stream key, if the versions of stream keys are as expected, and counts them:
-- append-versioned-4 for a log that is partitioned. All of them in one step.
-- Includes: versions, clock, streams
--
-- KEYS  1 the partitions, 2, 3 the two hashes of deduplication, 4 the bell, 5 the versions by stream key, 6.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 the window in ms; 0 for none, 3 how many versions are expected, then
--       stream key and version of each, and then the events in rows, payload, number of the stream and stream key ('' for
--       none) of each
-- Returns what appendVersioned does

local stale = outdated()
if stale then return stale end
local streams = streamsFrom(6)
-- A key of another type fails here.
eachEvent(4 + 2 * ARGV[3], #ARGV, 3, function(i) redis.call('XLEN', streams[ARGV[i + 1] + 1]) end)

local append, finish = partitionedAppender(streams, KEYS[4])
local function add(i) return append(ARGV[i], tonumber(ARGV[i + 1])) end
local reply = appendVersioned(streams, KEYS[2], KEYS[3], KEYS[5], tonumber(ARGV[2]), 3, 3, add)
finish()
return reply
