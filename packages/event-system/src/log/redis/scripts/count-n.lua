-- Adds to counts that expire. A count that has no end, since it is new, is given one.
--
-- KEYS  the counts
-- ARGV  for each of them in turn: what is added, and how long a new one lasts, in ms
-- Returns for each of them in turn: its value, and in how many ms it is over

local counts = {}
for i, key in ipairs(KEYS) do
  local value = redis.call('INCRBY', key, ARGV[2 * i - 1])
  local resetsInMs = redis.call('PTTL', key)
  if resetsInMs < 0 then
    resetsInMs = tonumber(ARGV[2 * i])
    redis.call('PEXPIRE', key, ARGV[2 * i])
  end
  counts[2 * i - 1] = value
  counts[2 * i] = math.max(1, resetsInMs)
end
return counts
