-- Cuts from the indexes of stream keys what is of events that the log has no more, in one bounded step.
-- Includes: one-stream, streams
--
-- KEYS  1 the stream, 2 the set of indexes, 3.. the indexes of the stream keys; where each type has a stream, then
--       those of all partitions from 1 on
-- ARGV  1 how many entries at most, 2.. the stream keys
-- Returns how many were cut

openPartitions(2 + #ARGV)
local oldest, most, cut = oldestIn(KEYS[1]), tonumber(ARGV[1]), 0
for i = 2, #ARGV do
  if cut == most then break end
  cut = cut + cutIndex(KEYS[2], ARGV[i], KEYS[i + 1], oldest, most - cut)
end
return cut
