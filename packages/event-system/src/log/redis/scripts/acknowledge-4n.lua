-- Marks entries done that consumers hold. One XPENDING looks at all that the consumer holds in the batch's span. A hold
-- that a full page does not reach is looked at alone.
-- Includes: streams, hold
--
-- KEYS  1 the partitions, 2 the notes, 3 the amended payloads, 4 the group's sharding, 5.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, then for each stream, consumer and attempt: the number of the
--       stream, the consumer's name, shard and tenure ('' for none), the attempt, the least and the greatest of the
--       message ids, how many, and the message ids
-- Returns the ids whose hold was lost

local stale = outdated()
if stale then return stale end
local streams, group = streamsFrom(5), ARGV[2]
local done, lost = {}, {}

local function attemptsOf(page)
  local attempts = {}
  for i = 1, #page do attempts[page[i][1]] = page[i][4] end
  return attempts
end

local at = 3
while at <= #ARGV do
  local stream, consumer, shard, tenure = streams[ARGV[at] + 1], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local attempt, count = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 7])
  local page = redis.call('XPENDING', stream, group, ARGV[at + 5], ARGV[at + 6], 2 * count, consumer)
  local ofStream = done[stream] or {}
  done[stream] = ofStream
  local isTenant = tenure == '' or redis.call('HGET', KEYS[4], shard) == tenure
  local isWhole, attempts = #page < 2 * count, attemptsOf(page)
  for i = at + 8, at + 7 + count do
    local id = ARGV[i]
    local isHeld = attempts[id] == attempt or (not isWhole and held(stream, group, consumer, id, attempt))
    if isTenant and isHeld then ofStream[#ofStream + 1] = id else lost[#lost + 1] = id end
  end
  at = at + 8 + count
end

local hasDetails = redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
for stream, ids in pairs(done) do
  for from = 1, #ids, 1000 do
    local to = math.min(from + 999, #ids)
    redis.call('XACK', stream, group, unpack(ids, from, to))
    if hasDetails then
      redis.call('HDEL', KEYS[2], unpack(ids, from, to))
      redis.call('HDEL', KEYS[3], unpack(ids, from, to))
    end
  end
end
return lost
