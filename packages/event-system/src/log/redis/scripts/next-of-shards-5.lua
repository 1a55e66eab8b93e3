-- Hands a member the next pending entries of its shards, and counts a delivery for each.
-- Includes: pending
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads, 4 the attachments, 5 the group's sharding
-- ARGV  1 group, 2 how many at most, then for each shard: its consumer, shard, the member's tenure, where to begin, as
--       XPENDING takes it, how many of those behind it the member has already, and message id and attempt of each
-- Returns for each shard {1 when the tenure holds, 1 when there may be more, {{id, fields, deliveries, note, amended
-- payload, attachment}, ...}}

local stream, kept, group, limit = KEYS[1], {KEYS[2], KEYS[3], KEYS[4]}, ARGV[1], tonumber(ARGV[2])
local results = {}

local function take(consumer, from, has, hasCount)
  local deliveries = {}
  while #deliveries < limit do
    local most = math.min(500, limit - #deliveries + hasCount)
    local rows = redis.call('XPENDING', stream, group, from, '+', most, consumer)
    local ids, counts = {}, {}
    for _, row in ipairs(rows) do
      if has[row[1]] ~= row[4] and #deliveries + #ids < limit then
        ids[#ids + 1] = row[1]
        counts[row[1]] = row[4] + 1
      end
    end
    for _, entry in ipairs(takeOver(stream, ids, group, consumer, kept)) do
      deliveries[#deliveries + 1] = {entry[1], entry[2], counts[entry[1]]}
    end
    if #rows < most then return deliveries, #deliveries < limit and 0 or 1 end
    from = '(' .. rows[#rows][1]
  end
  return deliveries, 1
end

local at = 3
while at <= #ARGV do
  local consumer, shard, tenure, from, count = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local has = {}
  for i = at + 5, at + 4 + 2 * count, 2 do has[ARGV[i]] = tonumber(ARGV[i + 1]) end
  at = at + 5 + 2 * count
  if redis.call('HGET', KEYS[5], shard) ~= tenure then
    results[#results + 1] = {0, 0, {}}
  else
    local deliveries, more = take(consumer, from, has, count)
    limit = limit - #deliveries
    results[#results + 1] = {1, more, describe(kept, deliveries)}
  end
end
return results
