-- What is pending in a group and is no shard's: what nobody holds, and what a consumer that is no shard has left for so
-- long that it must be dead.
-- Includes: streams, merge, hold, due, pending
--
-- KEYS  1 the partitions, 2 the sorted set of delayed entries, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 how many shards, 4 least idle time in ms, 5 how many at
--       most of each consumer, 6 the consumer that nobody is, 7 the one that waits
-- Returns {{id, fields, consumer, deliveries}, ...}

local stale = outdated()
if stale then return stale end
local streams, group, limit, nobody, waiting = streamsFrom(3), ARGV[2], tonumber(ARGV[5]), ARGV[6], ARGV[7]
freeDue(streams, group, KEYS[2], waiting, nobody)

local function pageOf(consumer)
  local idle = consumer ~= nobody and {'IDLE', ARGV[4]} or {}
  return function(stream, first, most)
    local args = {'XPENDING', stream, group}
    for _, arg in ipairs(idle) do args[#args + 1] = arg end
    for _, arg in ipairs({first, '+', most, consumer}) do args[#args + 1] = arg end
    local rows = redis.call(unpack(args))
    return rows, behind(rows, most)
  end
end

local function isOfShard(consumer)
  local shard = tonumber(string.match(consumer, '^%(shard%-(%d+)%)$') or '')
  return shard and shard < tonumber(ARGV[3])
end

local leftovers = {}
local _, _, pending = pendingSummary(streams, group)
for consumer in pairs(pending) do
  if consumer ~= waiting and not isOfShard(consumer) then
    local rows, owners = mergedRows(streams, allFrom(streams, '-'), limit, pageOf(consumer))
    for i, row in ipairs(rows) do
      local entry = redis.call('XRANGE', owners[i], row[1], row[1])[1]
      if entry then
        leftovers[#leftovers + 1] = {entry[1], entry[2], row[2], row[4]}
      else
        redis.call('XACK', owners[i], group, row[1]) -- It was trimmed: there is nothing to hand out.
      end
    end
  end
end
return leftovers
