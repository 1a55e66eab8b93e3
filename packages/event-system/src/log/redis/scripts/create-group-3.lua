-- Makes a group, with nothing left of one that had its name.
-- Includes: order, fields, place
--
-- KEYS  1 the stream, 2 the attachments, 3 the sorted set of delayed entries
-- ARGV  1 group, 2 the last id that it has behind it, '$' for the end of the stream
-- Returns 1, or 0 when it exists

local stream, group, behind = KEYS[1], ARGV[1], ARGV[2]
if groupInfo(stream, group) then return 0 end

-- A stream that has lost its end takes ids up to the position once more: those are new.
local newest = endOf(stream)
if behind ~= '$' and precedes(newest, behind) then behind = '$' end
putGroup('CREATE', stream, group, behind)
redis.call('UNLINK', KEYS[2], KEYS[3])
return 1
