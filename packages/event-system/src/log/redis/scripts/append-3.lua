-- Appends events, but for those whose id was appended inside the deduplication window. All of them in one step.
--
-- KEYS  1 the stream
--       2, 3 two hashes, event id -> message id: time is cut into spans as long as the window, and spans use the two in
--       turn, so that an id of the window stands in this span's or the last one's. The field '' says which span it is.
-- ARGV  1 the window in ms; 0 for none
--       2, 3 event id and payload of the first event, 4, 5 of the second, ...
-- Returns {message ids, indexes (from 0) of those that were there already}

local CHUNK = 1000 -- Lua's stack holds some 8,000 arguments
local window = tonumber(ARGV[1])
local count = (#ARGV - 1) / 2
local ids, duplicates = {}, {}

if window == 0 then
  for i = 1, count do ids[i] = redis.call('XADD', KEYS[1], '*', 'event', ARGV[2 * i + 1]) end
  return {ids, duplicates}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local span = math.floor(now / window)
local current, last = KEYS[2 + span % 2], KEYS[2 + (span + 1) % 2]

if tonumber(redis.call('HGET', current, '')) ~= span then
  redis.call('UNLINK', current)
  redis.call('HSET', current, '', span)
  redis.call('PEXPIRE', current, 2 * window)
end
local lastCounts = tonumber(redis.call('HGET', last, '')) == span - 1

local seen = {}
local function remember(hash, eventIds)
  local found = redis.call('HMGET', hash, unpack(eventIds))
  for i = 1, #eventIds do
    local id = found[i]
    if id and now - tonumber(string.match(id, '^%d+')) < window then seen[eventIds[i]] = id end
  end
end

for from = 1, count, CHUNK do
  local to = math.min(from + CHUNK - 1, count)
  local eventIds, fresh = {}, {}
  for i = from, to do eventIds[#eventIds + 1] = ARGV[2 * i] end
  if lastCounts then remember(last, eventIds) end
  remember(current, eventIds)
  for i = from, to do
    local eventId = ARGV[2 * i]
    local id = seen[eventId]
    if id then
      duplicates[#duplicates + 1] = i - 1
    else
      id = redis.call('XADD', KEYS[1], '*', 'event', ARGV[2 * i + 1])
      seen[eventId] = id
      fresh[#fresh + 1] = eventId
      fresh[#fresh + 1] = id
    end
    ids[i] = id
  end
  if #fresh > 0 then redis.call('HSET', current, unpack(fresh)) end
end
return {ids, duplicates}
