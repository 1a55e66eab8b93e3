-- Documents of an expiring collection.
-- Includes: rotation
--
-- KEYS  1, 2 the two hashes of the collection
-- ARGV  1 how long documents are kept, in ms, 2.. ids
-- Returns for each id its text, or false

local rotation = rotationOf(KEYS[1], KEYS[2], tonumber(ARGV[1]))
local found = {}
for from = 2, #ARGV, 1000 do
  local ids = {unpack(ARGV, from, math.min(from + 999, #ARGV))}
  local texts = recall(rotation, ids)
  for _, id in ipairs(ids) do found[#found + 1] = texts[id] or false end
end
return found
