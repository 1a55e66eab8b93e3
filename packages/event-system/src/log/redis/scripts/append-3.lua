-- Appends events, but for those whose id was appended inside the deduplication window. All of them in one step: what can
-- fail (a key of another type, a full memory) fails at the latest at the first XADD, before anything is written.
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms; 0 for none, then the events in rows, the payload of each
-- Returns {message ids, or the first where each follows on the one before, indexes (from 0) of those that were there
-- already}

-- Includes: append

local ids, duplicates = appendEvents({KEYS[1]}, KEYS[2], KEYS[3], tonumber(ARGV[1]), 2, #ARGV, 1, appenderTo(KEYS[1]))
if #duplicates == 0 and isRun(ids[1], ids[#ids], #ids) then ids = ids[1] end
return {ids, duplicates}
