-- Removes a consumer that holds nothing: XGROUP DELCONSUMER alone would drop what it holds.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer
-- Returns 1 when it was removed

for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local info = {}
  for i = 1, #consumer, 2 do info[consumer[i]] = consumer[i + 1] end
  if info.name == ARGV[2] and info.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
