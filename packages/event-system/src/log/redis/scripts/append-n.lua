-- Appends events if the versions of stream keys are as expected, and counts the events of each stream key. All in one step.
-- Includes: versions
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key, 5 the set of indexes,
--       6.. the indexes of the stream keys of the events; then the keys of openTypes
-- ARGV  1 the window in ms, 0 for none, 2 how many versions are expected, then stream key and version of each, then how
--       many stream keys the events have, then each of these, then the arguments of openTypes, and then the events
-- Returns {places, indexes (from 0) of the duplicates}. Or, when an expected version is wrong and at least one of the
-- events is new, {index (from 0) of the expectation, the version that the key has}; then nothing is written.

local stream, versions = KEYS[1], versionsIn(KEYS[4], KEYS[5])
local memory = memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[1]))
local lastExpected = 2 + 2 * ARGV[2]
local keyCount = tonumber(ARGV[lastExpected + 1])
local first = openTypes(6 + keyCount, lastExpected + 2 + keyCount)

redis.call('XLEN', stream) -- A key of another type fails here, before anything is written.
openStreams(versions, keyCount, lastExpected + 2, 6)

local wrong, actual = wrongVersion(versions, memory, 3, lastExpected, first, #ARGV)
if wrong then return {wrong, actual} end
return {appendCounted(stream, versions, memory, first, #ARGV)}
