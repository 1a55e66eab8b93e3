-- Moves a group.
-- Includes: place
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 the last id that it has behind it

putGroup('SETID', KEYS[1], ARGV[1], ARGV[2])
