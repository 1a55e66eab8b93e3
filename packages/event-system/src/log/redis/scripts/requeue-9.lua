-- Makes an entry pending again in the group that gave up on it, as if never delivered, removes its letter and records
-- who did it, in one step.
-- Includes: texts, hold, requeue
--
-- KEYS  1 the stream, 2 the stream of dead letters, 3 the hash of what was rewritten of it, 4 the stream of actions,
--       5 the notes, 6 the amended payloads, 7 the attachments, 8 the group's sharding, 9 its stream of what was routed
-- ARGV  1 letter id, 2 the letter as the caller knows it, 3 group, 4 message id, 5 the consumer that nobody is, 6 the
--       record, 7 '1' with a note or '0', 8 note, 9 '1' with a payload or '0', 10 payload
-- Returns 'done', 'not_found', 'rewritten' when the letter is another by now, 'no_group' or 'entry_trimmed'

local stream, id, group, messageId = KEYS[1], ARGV[1], ARGV[3], ARGV[4]
local letter = textAt(KEYS[2], KEYS[3], id)
if not letter then return 'not_found' end
if letter ~= ARGV[2] then return 'rewritten' end
if not hasGroup(stream, group) then return 'no_group' end
if #redis.call('XRANGE', stream, messageId, messageId) == 0 then return 'entry_trimmed' end
-- A key of another type fails here.
for i = 5, 7 do redis.call('HLEN', KEYS[i]) end

redis.call('XADD', KEYS[4], '*', 'action', ARGV[6])
makePending(stream, group, ARGV[5], messageId, KEYS[8], KEYS[9])
for i = 0, 1 do
  if ARGV[7 + 2 * i] == '1' then
    redis.call('HSET', KEYS[5 + i], messageId, ARGV[8 + 2 * i])
  else
    redis.call('HDEL', KEYS[5 + i], messageId)
  end
end
redis.call('HDEL', KEYS[7], messageId)
redis.call('XDEL', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
return 'done'
