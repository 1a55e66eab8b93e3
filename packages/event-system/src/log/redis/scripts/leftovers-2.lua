-- What is pending in a group and is no shard's: what nobody holds, and what a consumer that is no shard has left for so
-- long that it must be dead.
-- Includes: hold, due, pending
--
-- KEYS  1 the stream, 2 the sorted set of delayed entries
-- ARGV  1 group, 2 how many shards, 3 least idle time in ms, 4 how many at most of each consumer, 5 the consumer that
--       nobody is, 6 the one that waits
-- Returns {{id, fields, consumer, deliveries}, ...}

local stream, group, shards, idle, limit, nobody, waiting = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
freeDue(stream, group, KEYS[2], waiting, nobody)

local function rowsOf(consumer)
  if consumer == nobody then return redis.call('XPENDING', stream, group, '-', '+', limit, consumer) end
  return redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', limit, consumer)
end

local function isOfShard(consumer)
  local shard = tonumber(string.match(consumer, '^%(shard%-(%d+)%)$') or '')
  return shard and shard < tonumber(shards)
end

local leftovers = {}
local _, pending = pendingSummary(stream, group)
for consumer in pairs(pending) do
  if consumer ~= waiting and not isOfShard(consumer) then
    for _, row in ipairs(rowsOf(consumer)) do
      local entry = redis.call('XRANGE', stream, row[1], row[1])[1]
      if entry then
        leftovers[#leftovers + 1] = {entry[1], entry[2], row[2], row[4]}
      else
        redis.call('XACK', stream, group, row[1]) -- It was trimmed: there is nothing to hand out.
      end
    end
  end
end
return leftovers
