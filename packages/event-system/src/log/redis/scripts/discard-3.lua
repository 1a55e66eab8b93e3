-- Removes a letter for good and records who did it, in one step.
-- Includes: texts
--
-- KEYS  1 the stream of dead letters, 2 the hash of what was rewritten of it, 3 the stream of actions
-- ARGV  1 letter id, 2 the letter as the caller knows it, 3 the record
-- Returns 'done', 'not_found', or 'rewritten' when the letter is another by now

local letter = textAt(KEYS[1], KEYS[2], ARGV[1])
if not letter then return 'not_found' end
if letter ~= ARGV[2] then return 'rewritten' end
redis.call('XADD', KEYS[3], '*', 'action', ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 'done'
