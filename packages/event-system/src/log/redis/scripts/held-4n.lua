-- What a consumer holds, as it was handed out to it. Of a shard, what the member holds that has it in that tenure.
-- Includes: streams, hold, describe
--
-- KEYS  1 the partitions, 2 the notes, 3 the amended payloads, 4 the group's sharding, 5.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4 shard and 5 tenure of it ('' for none),
--       6.. message id and attempt in turn
-- Returns {{id, fields, deliveries, note, amended payload}, ...}, without those whose hold is lost and what was trimmed

local stale = outdated()
if stale then return stale end
local streams, group = streamsFrom(5), ARGV[2]
redis.call('XPENDING', streams[1], group) -- Without the group, it ends here.
if ARGV[5] ~= '' and redis.call('HGET', KEYS[4], ARGV[4]) ~= ARGV[5] then return {} end
local deliveries = {}
for i = 6, #ARGV, 2 do
  local stream = streamOf(streams, ARGV[i])
  if held(stream, group, ARGV[3], ARGV[i], ARGV[i + 1]) then
    local entry = redis.call('XRANGE', stream, ARGV[i], ARGV[i])[1]
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], tonumber(ARGV[i + 1])} end
  end
end
return describe(KEYS[2], KEYS[3], deliveries)
