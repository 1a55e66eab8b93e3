-- Drops a group with what it keeps beside its pending entries, but for its ledger and its place.
-- Includes: streams
--
-- KEYS  1 the partitions, 2 to 6 what the group keeps, 7.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group
-- Returns 1 when there was one

local stale = outdated()
if stale then return stale end
local wasThere = 0
for i, stream in ipairs(streamsFrom(7)) do
  local isGone = redis.call('EXISTS', stream) == 1 and redis.call('XGROUP', 'DESTROY', stream, ARGV[2]) or 0
  if i == 1 then wasThere = isGone end
end
for i = 2, 6 do redis.call('UNLINK', KEYS[i]) end
return wasThere
