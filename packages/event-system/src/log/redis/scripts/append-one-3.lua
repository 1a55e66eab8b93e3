-- Appends one event, unless its id was appended inside the deduplication window: append-3 for a batch of one, without
-- its tables and functions, which cost more than the commands do. Both must keep the two hashes in the same way.
-- Includes: remembered
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms, above 0, 2.. the event, in a row, with its payload: see include/append.lua
-- Returns the message id, in a list of its own when it was there already

local call, window, field, ending = redis.call, tonumber(ARGV[1]), ARGV[2], ARGV[3]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local span = math.floor(now / window)
local current, last = KEYS[2 + span % 2], KEYS[2 + (span + 1) % 2]

local here = call('HMGET', current, '', field)
local isThisSpan = tonumber(here[1]) == span
local text = isThisSpan and here[2]
local known = text and rememberedIn(current, text, field, ending, now, window)
if not known then
  local before = call('HMGET', last, '', field)
  local isThere = before[2] and tonumber(before[1]) == span - 1
  known = isThere and rememberedIn(last, before[2], field, ending, now, window)
end
if known then return {known} end

local given = not isThisSpan and givenTo({KEYS[1]})
local id = call('XADD', KEYS[1], '*', 'event', ARGV[5])
if not isThisSpan then beginSpan(current, span, given, window) end
if text and #text >= LONG and ending ~= '' then
  call('HSET', current, '=' .. field .. ending, '1:' .. id .. ':')
else
  call('HSET', current, field, (text or '') .. '1:' .. id .. ':' .. ending)
end
return id
