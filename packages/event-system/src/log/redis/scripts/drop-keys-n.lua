-- Drops keys of an index, for the holder of its lease.
-- Includes: lease
--
-- KEYS  1 the leases, 2.. the keys
-- ARGV  1 the lease, 2 its token
-- Returns 1, or 0 when another holder has the lease

if not isHeldUnder(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
