-- Writes postings of a segment, for the holder of the lease of the index. What stands there already is written over.
-- Includes: lease
--
-- KEYS  1 the leases, 2 the segment
-- ARGV  1 the lease, 2 its token, 3.. labels and their postings in turn
-- Returns 1, or 0 when another holder has the lease

if not isHeldUnder(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
return 1
