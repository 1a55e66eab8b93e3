-- Removes a consumer that holds nothing and was idle for long enough: XGROUP DELCONSUMER alone would drop what it holds.
-- Includes: fields
--
-- KEYS  the streams of the group
-- ARGV  1 group, 2 consumer, 3 least idle time in ms
-- Returns 1 when it was removed

redis.call('XPENDING', KEYS[1], ARGV[1]) -- Without the group, it ends here.
local found = {}
for _, stream in ipairs(KEYS) do
  for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', stream, ARGV[1])) do
    local consumer = fieldsOf(reply)
    if consumer.name == ARGV[2] then
      if consumer.pending > 0 or consumer.idle < tonumber(ARGV[3]) then return 0 end
      found[#found + 1] = stream
    end
  end
end
for _, stream in ipairs(found) do redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], ARGV[2]) end
return #found > 0 and 1 or 0
