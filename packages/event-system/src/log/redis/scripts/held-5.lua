-- What a consumer holds, as it was handed out to it. Of a shard, what the member holds that has it in that tenure.
-- Includes: hold, kept
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads, 4 the attachments, 5 the group's sharding
-- ARGV  1 group, 2 consumer, 3 shard and 4 tenure of it ('' for none), 5.. message id and attempt in turn
-- Returns {{id, fields, deliveries, note, amended payload, attachment}, ...}, without those whose hold is lost and what was trimmed

local stream, group = KEYS[1], ARGV[1]
redis.call('XPENDING', stream, group) -- Without the group, it ends here.
if ARGV[4] ~= '' and redis.call('HGET', KEYS[5], ARGV[3]) ~= ARGV[4] then return {} end
local deliveries = {}
for i = 5, #ARGV, 2 do
  if held(stream, group, ARGV[2], ARGV[i], ARGV[i + 1]) then
    local entry = redis.call('XRANGE', stream, ARGV[i], ARGV[i])[1]
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], tonumber(ARGV[i + 1])} end
  end
end
return describe({KEYS[2], KEYS[3], KEYS[4]}, deliveries)
