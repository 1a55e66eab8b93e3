-- Acknowledges entries and writes their dead letters, in one step. What is not pending is left out.
--
-- KEYS  1 the stream, 2 the stream of dead letters
-- ARGV  1 group, 2, 3 message id and letter (JSON) of the first, 4, 5 of the second, ...
-- Returns the letters' ids, false for those left out

redis.call('XLEN', KEYS[2]) -- A key of another type fails here, not when the entry is acknowledged already.
local ids = {}
for i = 2, #ARGV, 2 do
  local acknowledged = redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  ids[#ids + 1] = acknowledged == 1 and redis.call('XADD', KEYS[2], '*', 'letter', ARGV[i + 1])
end
return ids
