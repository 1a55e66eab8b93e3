-- Removes late entries from the sorted sets of their labels, as long as it is the same index.
--
-- KEYS  1 the documents of the labels, 2.. the sorted sets
-- ARGV  1 the name of the index, 2.. for each set: how many places, and these
-- Returns 1, or 0 where there is another index by now

if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return 0 end
local at = 2
for i = 2, #KEYS do
  local last = at + tonumber(ARGV[at])
  redis.call('ZREM', KEYS[i], unpack(ARGV, at + 1, last))
  at = last + 1
end
return 1
