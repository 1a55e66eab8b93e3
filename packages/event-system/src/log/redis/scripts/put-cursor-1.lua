-- Creates a cursor at a known place.
-- Includes: cursor
--
-- KEYS  1 the cursors
-- ARGV  1 name, 2 its position, 3 '1' when it guards, or '0'
-- Returns 1, or 0 when it exists

if cursorOf(KEYS[1], ARGV[1]) then return 0 end
putCursor(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return 1
