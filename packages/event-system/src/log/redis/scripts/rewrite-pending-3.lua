-- Writes other notes, and other payloads that a group is given instead of the entries', in the place of those that there
-- are, where those are still the same.
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads
-- ARGV  1 group, then for each: message id, and of the note and of the payload '1' or '0' for none, the text that it has,
--       the one that it is to have
-- Returns the ids of those that were not written: they have others by now, or are done

-- Without the group it fails here.
redis.call('XPENDING', KEYS[1], ARGV[1])

local function isAt(key, id, has, text)
  return redis.call('HGET', key, id) == (has == '1' and text)
end

local changed = {}
for i = 2, #ARGV, 7 do
  local id = ARGV[i]
  if isAt(KEYS[2], id, ARGV[i + 1], ARGV[i + 2]) and isAt(KEYS[3], id, ARGV[i + 4], ARGV[i + 5]) then
    if ARGV[i + 1] == '1' then redis.call('HSET', KEYS[2], id, ARGV[i + 3]) end
    if ARGV[i + 4] == '1' then redis.call('HSET', KEYS[3], id, ARGV[i + 6]) end
  else
    changed[#changed + 1] = id
  end
end
return changed
