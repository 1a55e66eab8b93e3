-- Adds late entries to the sorted sets of their labels, for the holder of the lease of the index. What is there already stays.
-- Includes: lease
--
-- KEYS  1 the leases, 2.. the sorted sets
-- ARGV  1 the lease, 2 its token, 3.. for each set: how many places, and these
-- Returns 1, or 0 when another holder has the lease

if not isHeldUnder(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
local at = 3
for i = 2, #KEYS do
  local places = {}
  for n = 1, tonumber(ARGV[at]) do places[2 * n - 1], places[2 * n] = 0, ARGV[at + n] end
  at = at + 1 + tonumber(ARGV[at])
  redis.call('ZADD', KEYS[i], unpack(places))
end
return 1
