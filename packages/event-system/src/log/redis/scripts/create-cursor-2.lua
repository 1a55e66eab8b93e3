-- Creates a cursor.
-- Includes: order, fields, place, cursor
--
-- KEYS  1 the stream, 2 the cursors
-- ARGV  1 name, 2 its position, '$' for the end of the stream, 3 '1' when it guards, or '0'
-- Returns 1, or 0 when it exists

if cursorOf(KEYS[2], ARGV[1]) then return 0 end
local position, newest = ARGV[2], endOf(KEYS[1])
if position == '$' or precedes(newest, position) then position = newest end
putCursor(KEYS[2], ARGV[1], position, ARGV[3])
return 1
