-- Marks entries done that consumers hold. The look at what a consumer holds goes over the batch's span at once, which is
-- cheaper than one for each; and as holds mostly come in log order, and all of a span, the two lists are compared side
-- by side. Only from where they differ on is a table made, and a hold that a full page did not reach looked at alone.
-- Includes: hold
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads, 4 the group's sharding
-- ARGV  1 group, then for each consumer and attempt: the consumer's name, shard and tenure ('' for none), the attempt,
--       the least and the greatest of the message ids, how many, and the message ids
-- Returns the ids whose hold was lost

local stream, group = KEYS[1], ARGV[1]
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
  local isTenant = tenure == '' or redis.call('HGET', KEYS[4], shard) == tenure
  local isWhole, row, attempts = #page < 2 * count, 1, nil
  for i = at + 7, at + 6 + count do
    local id, isHeld = ARGV[i], nil
    if not attempts and page[row] and page[row][1] == id then
      isHeld = page[row][4] == attempt
      row = row + 1
    else
      attempts = attempts or attemptsOf(page)
      isHeld = attempts[id] == attempt or (not isWhole and held(stream, group, consumer, id, attempt))
    end
    if isTenant and isHeld then done[#done + 1] = id else lost[#lost + 1] = id end
  end
  at = at + 7 + count
end

local hasDetails = redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
for from = 1, #done, 1000 do
  local to = math.min(from + 999, #done)
  redis.call('XACK', stream, group, unpack(done, from, to))
  if hasDetails then
    redis.call('HDEL', KEYS[2], unpack(done, from, to))
    redis.call('HDEL', KEYS[3], unpack(done, from, to))
  end
end
return lost
