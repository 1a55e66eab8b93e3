-- Writes texts in the place of those that a stream has, where they are still the same.
-- Includes: texts
--
-- KEYS  1 the stream, 2 the hash of what was rewritten of it
-- ARGV  for each: id, the text that it has, the one that it is to have
-- Returns the ids of those that were not written: they are others by now, or gone

local changed = {}
for i = 1, #ARGV, 3 do
  if textAt(KEYS[1], KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
  else
    changed[#changed + 1] = ARGV[i]
  end
end
return changed
