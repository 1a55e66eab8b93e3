-- Appends events, but for those whose id was appended inside the deduplication window. All of them in one step: what can
-- fail (a key of another type, a full memory) fails at the latest at the first XADD, before anything is written.
-- Includes: append
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms; 0 for none, then the events in rows, the payload of each
-- Returns {message ids, indexes (from 0) of those that were there already, the time in ms; without a window none}

local function add(i, id) return addTo(KEYS[1], id, ARGV[i]) end
local ids, duplicates, now = appendEvents({KEYS[1]}, KEYS[2], KEYS[3], tonumber(ARGV[1]), 2, #ARGV, 1, add)
return {ids, duplicates, now}
