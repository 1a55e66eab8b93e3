-- Makes a group that partition 0 has in each partition that has not got it: it has passed nothing of those. Fails with NOGROUP
-- where partition 0 has no such group.
-- Includes: fields
--
-- KEYS  the streams, that of partition 0 first
-- ARGV  1 group

redis.call('XPENDING', KEYS[1], ARGV[1])
for n = 2, #KEYS do
  if not groupInfo(KEYS[n], ARGV[1]) then redis.call('XGROUP', 'CREATE', KEYS[n], ARGV[1], '0', 'MKSTREAM') end
end
