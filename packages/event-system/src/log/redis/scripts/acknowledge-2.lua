-- Marks entries done that a consumer holds. One XPENDING looks at all that the consumer holds in the batch's span. A hold
-- that a full page does not reach is looked at alone.
-- Includes: hold, attachments
--
-- KEYS  1 the stream, 2 the attachments
-- ARGV  1 group, 2 consumer, then for each attempt: the attempt, the least and the greatest of the message ids, how many,
--       and the message ids
-- Returns the ids whose hold was lost

local stream, attachments, group, consumer = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local done, lost = {}, {}

local function attemptsOf(page)
  local attempts = {}
  for i = 1, #page do attempts[page[i][1]] = page[i][4] end
  return attempts
end

local at = 3
while at <= #ARGV do
  local attempt, count = tonumber(ARGV[at]), tonumber(ARGV[at + 3])
  local page = redis.call('XPENDING', stream, group, ARGV[at + 1], ARGV[at + 2], 2 * count, consumer)
  local isWhole, attempts = #page < 2 * count, attemptsOf(page)
  for i = at + 4, at + 3 + count do
    local id = ARGV[i]
    local isHeld = attempts[id] == attempt or (not isWhole and held(stream, group, consumer, id, attempt))
    if isHeld then done[#done + 1] = id else lost[#lost + 1] = id end
  end
  at = at + 4 + count
end

local hasAttachments = redis.call('HLEN', attachments) > 0
for from = 1, #done, 1000 do
  local ids = {unpack(done, from, math.min(from + 999, #done))}
  redis.call('XACK', stream, group, unpack(ids))
  if hasAttachments then forgetAttachments(attachments, ids) end
end
return lost
