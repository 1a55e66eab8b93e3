-- The entries of a range in all streams, or in some of them, in log order.
-- Includes: streams, merge
--
-- KEYS  1 the partitions, 2.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 'forward' or 'backward', 3 where the range ends, 4 how many at most,
--       5.. where it begins in each stream, as XRANGE and XREVRANGE take it
-- Returns {{id, fields}, ...}

local stale = outdated()
if stale then return stale end
local isBackward = ARGV[2] == 'backward'
local command = isBackward and 'XREVRANGE' or 'XRANGE'
local starts = {}
for i = 5, #ARGV do starts[#starts + 1] = ARGV[i] end

local function page(stream, from, most)
  local rows = redis.call(command, stream, from, ARGV[3], 'COUNT', most)
  return rows, behind(rows, most)
end
local entries = mergedRows(streamsFrom(2), starts, tonumber(ARGV[4]), page, isBackward)
return entries
