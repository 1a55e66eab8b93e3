-- Moves a group in all streams.
-- Includes: streams, place
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 the last id that it has behind it

local stale = outdated()
if stale then return stale end
for _, stream in ipairs(streamsFrom(2)) do putGroup('SETID', stream, ARGV[2], ARGV[3]) end
