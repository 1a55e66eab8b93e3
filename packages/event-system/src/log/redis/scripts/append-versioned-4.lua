-- Appends events of which some have a stream key, if the versions of stream keys are as expected, and counts them:
-- append-3 for those. All of them in one step.
-- Includes: versions
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key
-- ARGV  1 the window in ms; 0 for none, 2 how many versions are expected, then stream key and version of each, and then
--       the events in rows, payload and stream key ('' for none) of each
-- Returns what appendVersioned does

local add = appenderTo(KEYS[1])
return appendVersioned({KEYS[1]}, KEYS[2], KEYS[3], KEYS[4], tonumber(ARGV[1]), 2, 2, add)
