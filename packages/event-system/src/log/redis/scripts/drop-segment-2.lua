-- Drops a segment, as long as it is of the same index.
--
-- KEYS  1 the documents of the labels, 2 the segment
-- ARGV  1 the name of the index
-- Returns 1, or 0 where there is another index by now

if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[2])
return 1
