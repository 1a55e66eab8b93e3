-- Marks entries done that consumers hold. One XPENDING looks at all that the consumer holds in the batch's span. A hold
-- that a full page does not reach is looked at alone.
-- Includes: hold, kept
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads, 4 the attachments, 5 the group's sharding
-- ARGV  1 group, then for each consumer and attempt: the consumer's name, shard and tenure ('' for none), the attempt, the
--       least and the greatest of the message ids, how many, and the message ids
-- Returns the ids whose hold was lost

local stream, kept, group = KEYS[1], {KEYS[2], KEYS[3], KEYS[4]}, ARGV[1]
local done, lost = {}, {}

local function attemptsOf(page)
  local attempts = {}
  for i = 1, #page do attempts[page[i][1]] = page[i][4] end
  return attempts
end

local at = 2
while at <= #ARGV do
  local consumer, shard, tenure = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local attempt, count = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 6])
  local page = redis.call('XPENDING', stream, group, ARGV[at + 4], ARGV[at + 5], 2 * count, consumer)
  local isTenant = tenure == '' or redis.call('HGET', KEYS[5], shard) == tenure
  local isWhole, attempts = #page < 2 * count, attemptsOf(page)
  for i = at + 7, at + 6 + count do
    local id = ARGV[i]
    local isHeld = attempts[id] == attempt or (not isWhole and held(stream, group, consumer, id, attempt))
    if isTenant and isHeld then done[#done + 1] = id else lost[#lost + 1] = id end
  end
  at = at + 7 + count
end

local hasTexts = redis.call('EXISTS', unpack(kept)) > 0
for from = 1, #done, 1000 do
  local to = math.min(from + 999, #done)
  redis.call('XACK', stream, group, unpack(done, from, to))
  if hasTexts then forgetTexts(kept, {unpack(done, from, to)}) end
end
return lost
