-- Drops a group with what it keeps beside its pending entries, but for its ledger and its place.
--
-- KEYS  1 the stream, 2 to 7 what the group keeps
-- ARGV  1 group
-- Returns 1 when there was one

local wasThere = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1]) or 0
for i = 2, 7 do redis.call('UNLINK', KEYS[i]) end
return wasThere
