-- How the index of a log stands, and what of it is in no segment yet, in one step.
-- Includes: order, fields, cursor, place
--
-- KEYS  1 the stream, 2 the cursors, then the documents of the index: 3 its labels, 4 its segments, 5 its tail, and 6 the ids of the tail
-- Returns {up to where the index has all, the first id of the log or '', the name of the index, the revisions of the labels and of the
-- segments, the documents of the tail in order}; nil where there is no index, or where the log has fallen behind it

local position, name = cursorOf(KEYS[2], 'index'), redis.call('HGET', KEYS[3], 'name')
if not position or not name then return nil end
local last = endOf(KEYS[1])
if precedes(last, position) then return nil end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]

local blocks = redis.call('ZRANGE', KEYS[6], 0, -1)
local tail = #blocks > 0 and redis.call('HMGET', KEYS[5], unpack(blocks)) or blocks
local function revisionOf(hash) return redis.call('HGET', hash, '') or '0' end
return {position, first and first[1] or '', name, revisionOf(KEYS[3]), revisionOf(KEYS[4]), tail}
