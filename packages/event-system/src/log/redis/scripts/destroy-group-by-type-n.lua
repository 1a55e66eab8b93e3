-- Drops a group in every partition with what it keeps beside its pending entries.
--
-- KEYS  for each partition: the stream, the attachments, the sorted set of delayed entries
-- ARGV  1 group
-- Returns 1 when there was one

local wasThere = 0
for n = 1, #KEYS, 3 do
  local isGone = redis.call('EXISTS', KEYS[n]) == 0 or redis.call('XGROUP', 'DESTROY', KEYS[n], ARGV[1]) == 0
  if n == 1 and not isGone then wasThere = 1 end
  redis.call('UNLINK', KEYS[n + 1], KEYS[n + 2])
end
return wasThere
