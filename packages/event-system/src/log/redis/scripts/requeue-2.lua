-- Makes an entry pending again in the group that gave up on it, at once claimable and as if never delivered, and removes
-- its letter. It is held by a consumer that nobody is, until somebody claims it.
--
-- KEYS  1 the stream, 2 the stream of dead letters
-- ARGV  1 letter id, 2 group, 3 message id, 4 the consumer that nobody is, 5 idle time that passes every claim, in ms
-- Returns 'done', 'not_found' or 'entry_trimmed'

if #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then return 'not_found' end
if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then return 'entry_trimmed' end
if #redis.call('XPENDING', KEYS[1], ARGV[2], ARGV[3], ARGV[3], 1) == 0 then
  redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[4], 0, ARGV[3], 'IDLE', ARGV[5], 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
end
redis.call('XDEL', KEYS[2], ARGV[1])
return 'done'
