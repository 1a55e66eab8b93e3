-- Hands out new entries of a group from several streams, at most a number in all. Each stream gives an equal share of what is left, and
-- those that gave all of their share are asked once more.
--
-- KEYS  for each stream: the stream, the attachments. Streams that stand first come first where there are fewer entries than streams
-- ARGV  1 group, 2 consumer, 3 how many at most
-- Returns for each stream that gave some, or gave some more: {its number from 0, the entries, their attachments or an empty list}

local group, consumer, left = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found, numberOf, streams = {}, {}, {}
for n = 1, #KEYS, 2 do
  streams[#streams + 1] = KEYS[n]
  numberOf[KEYS[n]] = #streams
end

local function attachmentsOf(number, entries)
  local key = KEYS[2 * number]
  if redis.call('EXISTS', key) == 0 then return {} end
  local texts = {}
  for from = 1, #entries, 1000 do
    local ids = {}
    for i = from, math.min(from + 999, #entries) do ids[#ids + 1] = entries[i][1] end
    for _, text in ipairs(redis.call('HMGET', key, unpack(ids))) do texts[#texts + 1] = text end
  end
  return texts
end

-- Asks streams for so many entries each. Returns those that gave as many. What was handed out before a failure is answered all the same.
local function ask(asked, count)
  local args, full = {'XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS'}, {}
  for _, stream in ipairs(asked) do args[#args + 1] = stream end
  for _ = 1, #asked do args[#args + 1] = '>' end
  local reply = redis.pcall(unpack(args))
  if not reply then return full end
  if reply.err then
    if #found == 0 then error(reply) end
    left = 0
    return full
  end
  for _, share in ipairs(reply) do
    local stream, entries = share[1], share[2]
    left = left - #entries
    found[#found + 1] = {numberOf[stream] - 1, entries, attachmentsOf(numberOf[stream], entries)}
    if #entries == count then full[#full + 1] = stream end
  end
  return full
end

while left > 0 and #streams > 0 do
  if left >= #streams then
    streams = ask(streams, math.floor(left / #streams))
  else
    ask({table.remove(streams, 1)}, 1)
  end
end
return found
