-- Makes an entry pending again in the group that gave up on it, as if never delivered, removes its letter and records
-- who did it, in one step. It is held by a consumer that nobody is, until somebody claims it.
--
-- KEYS  1 the stream, 2 the stream of dead letters, 3 the stream of actions, 4 the notes, 5 the amended payloads,
--       6 the group's sharding, 7 its stream of what was routed
-- ARGV  1 letter id, 2 group, 3 message id, 4 the consumer that nobody is, 5 the record, 6 '1' with a note or '0',
--       7 note, 8 '1' with a payload or '0', 9 payload
-- Returns 'done', 'not_found', 'no_group' or 'entry_trimmed'

if #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then return 'not_found' end
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[2])
if pending.err then
  if string.sub(pending.err, 1, 7) == 'NOGROUP' then return 'no_group' end
  return pending
end
if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then return 'entry_trimmed' end
-- A key of another type fails here.
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])

redis.call('XADD', KEYS[3], '*', 'action', ARGV[5])
redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[4], 0, ARGV[3], 'IDLE', 0, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
for i = 0, 1 do
  if ARGV[6 + 2 * i] == '1' then
    redis.call('HSET', KEYS[4 + i], ARGV[3], ARGV[7 + 2 * i])
  else
    redis.call('HDEL', KEYS[4 + i], ARGV[3])
  end
end
redis.call('XDEL', KEYS[2], ARGV[1])
-- Members that share by key wait for this stream, and look for what nobody holds.
if redis.call('EXISTS', KEYS[6]) == 1 then redis.call('XADD', KEYS[7], 'MAXLEN', '~', 100, '*', 'by', '') end
return 'done'
