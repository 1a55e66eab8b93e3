-- Appends one event, unless its id was appended inside the deduplication window: append-3 for a batch of one, without
-- its tables and functions, which cost more than the commands do. Both must keep the two hashes in the same way.
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms, above 0, 2 event id, 3 payload
-- Returns the message id, in a list of its own when it was there already

local call, eventId, window = redis.call, ARGV[2], tonumber(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local span = math.floor(now / window)
local current, last = KEYS[2 + span % 2], KEYS[2 + (span + 1) % 2]

local here = call('HMGET', current, '', eventId)
local isThisSpan = tonumber(here[1]) == span
if isThisSpan and here[2] and now - string.match(here[2], '^%d+') < window then return {here[2]} end
local before = call('HMGET', last, '', eventId)
if tonumber(before[1]) == span - 1 and before[2] and now - string.match(before[2], '^%d+') < window then
  return {before[2]}
end

local id = call('XADD', KEYS[1], '*', 'event', ARGV[3])
if not isThisSpan then
  call('UNLINK', current)
  call('HSET', current, '', span)
  call('PEXPIRE', current, 2 * window)
end
call('HSET', current, eventId, id)
return id
