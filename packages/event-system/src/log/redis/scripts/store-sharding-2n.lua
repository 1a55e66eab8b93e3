-- Stores the next state of a group's sharding, unless somebody has stored another meanwhile.
-- Includes: streams, hold, pending
--
-- KEYS  1 the partitions, 2 the group's sharding, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 the state as it was read ('' for none), 4 the next, 5 the
--       lease in ms, 6 '1' when it cuts the group anew: then nothing may be pending, 7 how many shards, 8.. the tenure of
--       each, '' while nobody has it, then consumer, message id and attempt of each delivery that is given back
--       uncounted, in turn
-- Returns 1, or 0 when the state or what is pending has changed; fails with NOGROUP

local stale = outdated()
if stale then return stale end
local streams, sharding, group = streamsFrom(3), KEYS[2], ARGV[2]
local pending = pendingSummary(streams, group)
if (redis.call('HGET', sharding, 'state') or '') ~= ARGV[3] then return 0 end
local cutsAnew = ARGV[6] == '1'
if cutsAnew and pending > 0 then return 0 end

local shards = tonumber(ARGV[7])
local fields = {'state', ARGV[4], 'lease_ms', ARGV[5]}
for shard = 0, shards - 1 do
  fields[#fields + 1] = shard
  fields[#fields + 1] = ARGV[8 + shard]
end
if cutsAnew then
  redis.call('UNLINK', sharding)
  for _, stream in ipairs(streams) do
    for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
      if string.match(consumer[2], '^%(shard%-%d+%)$') then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer[2])
      end
    end
  end
end
for from = 1, #fields, 1000 do redis.call('HSET', sharding, unpack(fields, from, math.min(from + 999, #fields))) end
for i = 8 + shards, #ARGV, 3 do
  local stream = streamOf(streams, ARGV[i + 1])
  local row = held(stream, group, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if row then
    local deliveries = math.max(row[4] - 1, 0)
    redis.call('XCLAIM', stream, group, row[2], 0, row[1], 'IDLE', row[3], 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
return 1
