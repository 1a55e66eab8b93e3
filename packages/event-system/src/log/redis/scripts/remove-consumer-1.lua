-- Removes a consumer that holds nothing and was idle for long enough: XGROUP DELCONSUMER alone would drop what it holds.
-- Includes: fields
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3 least idle time in ms
-- Returns 1 when it was removed

for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = fieldsOf(reply)
  if consumer.name == ARGV[2] then
    if consumer.pending > 0 or consumer.idle < tonumber(ARGV[3]) then return 0 end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
