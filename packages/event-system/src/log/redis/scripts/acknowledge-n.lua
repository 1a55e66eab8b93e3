-- Marks entries done that a consumer holds, of several streams. One XPENDING looks at all that the consumer holds in the span of
-- a part. A hold that a full page does not reach is looked at alone. All is looked at before anything is written.
-- Includes: hold, attachments
--
-- KEYS  for each stream: the stream, the attachments
-- ARGV  1 group, 2 consumer, then for each part: the number of its stream from 1, the attempt, the least and the greatest of the
--       message ids, how many, and the message ids
-- Returns for each stream the ids whose hold was lost

local group, consumer = ARGV[1], ARGV[2]
local done, lost = {}, {}
for n = 1, #KEYS / 2 do done[n], lost[n] = {}, {} end

local function attemptsOf(page)
  local attempts = {}
  for i = 1, #page do attempts[page[i][1]] = page[i][4] end
  return attempts
end

local at = 3
while at <= #ARGV do
  local n, attempt, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 4])
  local stream, ofDone, ofLost = KEYS[2 * n - 1], done[n], lost[n]
  local page = redis.call('XPENDING', stream, group, ARGV[at + 2], ARGV[at + 3], 2 * count, consumer)
  local isWhole, attempts = #page < 2 * count, attemptsOf(page)
  for i = at + 5, at + 4 + count do
    local id = ARGV[i]
    local isHeld = attempts[id] == attempt or (not isWhole and held(stream, group, consumer, id, attempt))
    if isHeld then ofDone[#ofDone + 1] = id else ofLost[#ofLost + 1] = id end
  end
  at = at + 5 + count
end

for n, all in ipairs(done) do
  local stream, attachments = KEYS[2 * n - 1], KEYS[2 * n]
  local hasAttachments = redis.call('HLEN', attachments) > 0
  for from = 1, #all, 1000 do
    local ids = {unpack(all, from, math.min(from + 999, #all))}
    redis.call('XACK', stream, group, unpack(ids))
    if hasAttachments then forgetAttachments(attachments, ids) end
  end
end
return lost
