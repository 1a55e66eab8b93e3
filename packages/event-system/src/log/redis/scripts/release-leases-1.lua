-- Ends leases that the holder has. Their tokens are kept for the next holder.
-- Includes: lease
--
-- KEYS  1 the hash of leases
-- ARGV  1 holder, 2.. the names

for i = 2, #ARGV do
  local token, _, holder = parsedLease(redis.call('HGET', KEYS[1], ARGV[i]) or '')
  if holder == ARGV[1] then
    local time = redis.call('TIME')
    redis.call('HSET', KEYS[1], ARGV[i], token .. ' ' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) .. ' ')
  end
end
