-- What a consumer holds, as it was handed out to it.
-- Includes: hold, describe
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads
-- ARGV  1 group, 2 consumer, 3.. message id and attempt in turn
-- Returns {{id, fields, deliveries, note, amended payload}, ...}, without those whose hold is lost and what was trimmed

redis.call('XPENDING', KEYS[1], ARGV[1]) -- Without the group, it ends here.
local deliveries = {}
for i = 3, #ARGV, 2 do
  if held(KEYS[1], ARGV[1], ARGV[2], ARGV[i], ARGV[i + 1]) then
    local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], tonumber(ARGV[i + 1])} end
  end
end
return describe(KEYS[2], KEYS[3], deliveries)
