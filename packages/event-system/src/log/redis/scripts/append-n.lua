-- Appends events if the versions of stream keys are as expected, and counts the events of each stream key. All in one step.
-- Includes: append, streams
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key, 5 the set of indexes,
--       6.. the indexes of the stream keys of the events
-- ARGV  1 the window in ms, 0 for none, 2 how many versions are expected, then stream key and version of each, then how
--       many stream keys the events have, then each of these, and then the events
-- Returns {places, indexes (from 0) of the duplicates}. Or, when an expected version is wrong and at least one of the
-- events is new, {index (from 0) of the expectation, the version that the key has}; then nothing is written.

local log, memory = KEYS[1], memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[1]))
local counts = countsIn(log, KEYS[4], KEYS[5])
local lastExpected = 2 + 2 * ARGV[2]
local keyCount = tonumber(ARGV[lastExpected + 1])
local first = lastExpected + 2 + keyCount

redis.call('XLEN', log) -- A key of another type fails here, before anything is written.
for i = 1, keyCount do openStream(counts, ARGV[lastExpected + 1 + i], KEYS[5 + i]) end

for i = 3, lastExpected, 2 do
  local actual = versionOf(counts, ARGV[i])
  if actual ~= tonumber(ARGV[i + 1]) then
    if areAllKnown(memory, first, #ARGV) then break end
    return {(i - 3) / 2, actual}
  end
end

local places, duplicates = appendEvents(memory, first, #ARGV, function(i)
  local id, key = redis.call('XADD', log, '*', 'event', ARGV[i + 1]), ARGV[i + 2]
  if key == '' then return id end
  return id .. ' ' .. count(counts, key, id)
end)
keepCounts(counts)
return {places, duplicates}
