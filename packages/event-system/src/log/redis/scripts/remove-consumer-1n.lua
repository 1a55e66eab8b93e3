-- Removes a consumer that holds nothing and was idle for long enough: XGROUP DELCONSUMER alone would drop what it holds.
-- Includes: fields, streams
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4 least idle time in ms
-- Returns 1 when it was removed

local stale = outdated()
if stale then return stale end
local isThere = false
for _, stream in ipairs(streamsFrom(2)) do
  for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', stream, ARGV[2])) do
    local consumer = fieldsOf(reply)
    if consumer.name == ARGV[3] then
      if consumer.pending > 0 or consumer.idle < tonumber(ARGV[4]) then return 0 end
      isThere = true
    end
  end
end
if not isThere then return 0 end
for _, stream in ipairs(streamsFrom(2)) do redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[2], ARGV[3]) end
return 1
