-- Ends leases that the holder has. Their tokens are kept for the next holder.
--
-- KEYS  1 the hash of leases: see acquire-leases-1.lua
-- ARGV  1 holder, 2.. the names

for i = 2, #ARGV do
  local text = redis.call('HGET', KEYS[1], ARGV[i])
  local token, holder = string.match(text or '', '^(%d+) %d+ (.*)$')
  if holder == ARGV[1] then
    local time = redis.call('TIME')
    redis.call('HSET', KEYS[1], ARGV[i], token .. ' ' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) .. ' ')
  end
end
