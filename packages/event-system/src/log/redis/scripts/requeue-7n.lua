-- Makes an entry pending again in the group that gave up on it, as if never delivered, removes its letter and records
-- who did it, in one step. It is held by a consumer that nobody is, until somebody claims it.
-- Includes: streams
--
-- KEYS  1 the partitions, 2 the stream of dead letters, 3 the stream of actions, 4 the notes, 5 the amended payloads,
--       6 the group's sharding, 7 its stream of what was routed, 8.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 letter id, 3 group, 4 message id, 5 the consumer that nobody is,
--       6 the record, 7 '1' with a note or '0', 8 note, 9 '1' with a payload or '0', 10 payload
-- Returns 'done', 'not_found', 'no_group' or 'entry_trimmed'

local stale = outdated()
if stale then return stale end
local stream = streamOf(streamsFrom(8), ARGV[4])
if #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) == 0 then return 'not_found' end
local pending = redis.pcall('XPENDING', stream, ARGV[3])
if pending.err then
  if string.sub(pending.err, 1, 7) == 'NOGROUP' then return 'no_group' end
  return pending
end
if #redis.call('XRANGE', stream, ARGV[4], ARGV[4]) == 0 then return 'entry_trimmed' end
-- A key of another type fails here.
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])

redis.call('XADD', KEYS[3], '*', 'action', ARGV[6])
redis.call('XCLAIM', stream, ARGV[3], ARGV[5], 0, ARGV[4], 'IDLE', 0, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
for i = 0, 1 do
  if ARGV[7 + 2 * i] == '1' then
    redis.call('HSET', KEYS[4 + i], ARGV[4], ARGV[8 + 2 * i])
  else
    redis.call('HDEL', KEYS[4 + i], ARGV[4])
  end
end
redis.call('XDEL', KEYS[2], ARGV[2])
-- Members that share by key wait for this stream, and look for what nobody holds.
if redis.call('EXISTS', KEYS[6]) == 1 then redis.call('XADD', KEYS[7], 'MAXLEN', '~', 100, '*', 'by', '') end
return 'done'
