-- Drops a group with what it keeps beside its pending entries.
--
-- KEYS  1 the stream, 2 the attachments, 3 the sorted set of delayed entries
-- ARGV  1 group
-- Returns 1 when there was one

local wasThere = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1]) or 0
redis.call('UNLINK', KEYS[2], KEYS[3])
return wasThere
