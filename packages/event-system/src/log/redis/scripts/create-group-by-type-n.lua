-- Makes a group in every partition, with nothing left of one that had its name. It is there when partition 0 has it.
-- Includes: order, fields, place
--
-- KEYS  for each partition: the stream, the attachments, the sorted set of delayed entries
-- ARGV  1 group, then for each partition the last id that it has behind it, '$' for the end of the stream
-- Returns 1, or 0 when it exists

local group = ARGV[1]
if groupInfo(KEYS[1], group) then return 0 end

for n = 1, #ARGV - 1 do
  local stream, behind = KEYS[3 * n - 2], ARGV[n + 1]
  -- A stream that has lost its end takes ids up to the position once more: those are new.
  if behind ~= '$' and precedes(endOf(stream), behind) then behind = '$' end
  if redis.call('EXISTS', stream) == 1 then redis.call('XGROUP', 'DESTROY', stream, group) end
  putGroup('CREATE', stream, group, behind)
  redis.call('UNLINK', KEYS[3 * n - 1], KEYS[3 * n])
end
return 1
