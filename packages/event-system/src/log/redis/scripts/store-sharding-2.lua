-- Stores the next state of a group's sharding, unless somebody has stored another meanwhile.
-- Includes: hold
--
-- KEYS  1 the stream, 2 the group's sharding
-- ARGV  1 group, 2 the state as it was read ('' for none), 3 the next, 4 the lease in ms, 5 '1' when it cuts the group
--       into other shards: then nothing may be pending, 6 how many shards, 7.. the tenure of each, '' while nobody has it,
--       then consumer, message id and attempt of each delivery that is given back uncounted, in turn
-- Returns 1, or 0 when the state or what is pending has changed; fails with NOGROUP

local stream, sharding, group = KEYS[1], KEYS[2], ARGV[1]
local pending = redis.call('XPENDING', stream, group)[1]
if (redis.call('HGET', sharding, 'state') or '') ~= ARGV[2] then return 0 end
local cutsAnew = ARGV[5] == '1'
if cutsAnew and pending > 0 then return 0 end

local shards = tonumber(ARGV[6])
local fields = {'state', ARGV[3], 'lease_ms', ARGV[4]}
for shard = 0, shards - 1 do
  fields[#fields + 1] = shard
  fields[#fields + 1] = ARGV[7 + shard]
end
if cutsAnew then
  redis.call('UNLINK', sharding)
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    if string.match(consumer[2], '^%(shard%-%d+%)$') then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer[2])
    end
  end
end
for from = 1, #fields, 1000 do redis.call('HSET', sharding, unpack(fields, from, math.min(from + 999, #fields))) end
for i = 7 + shards, #ARGV, 3 do
  local row = held(stream, group, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if row then
    local deliveries = math.max(row[4] - 1, 0)
    redis.call('XCLAIM', stream, group, row[2], 0, row[1], 'IDLE', row[3], 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
return 1
