-- Removes a letter for good and records who did it, in one step.
--
-- KEYS  1 the stream of dead letters, 2 the stream of actions
-- ARGV  1 letter id, 2 the record
-- Returns 1, or 0 when there is no such letter

if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'action', ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[1])
