-- Appends events if the versions of stream keys are as expected, and counts the events of each stream key. All in one step.
-- Includes: append, clock, streams
--
-- KEYS  1 the partitions, 2, 3 the two hashes of deduplication, 4 the bell, 5 the versions by stream key, 6.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 the window in ms, 0 for none, 3 how many versions are expected, then
--       stream key and version of each, and then the events
-- Returns {places, indexes (from 0) of the duplicates}. Or, when an expected version is wrong and at least one of the
-- events is new, {index (from 0) of the expectation, the version that the key has}; then nothing is written.

local stale = outdated()
if stale then return stale end
local streams, memory, versionsHash = streamsFrom(6), memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[2])), KEYS[5]
local first = 4 + 2 * ARGV[3]

local checked = {}
-- A key of another type fails here, before anything is written.
local function check(command, key)
  if not checked[key] then redis.call(command, key) end
  checked[key] = true
end
for i = first, #ARGV, WIDTH do
  if ARGV[i + 2] ~= '' then check('XLEN', streams[ARGV[i + 2] + 1]) end
  if ARGV[i + 3] ~= '' then check('HLEN', versionsHash) end
end

local versions, counted = {}, {}
local function versionOf(key)
  versions[key] = versions[key] or tonumber(redis.call('HGET', versionsHash, key) or 0)
  return versions[key]
end

for i = 4, first - 2, 2 do
  local actual = versionOf(ARGV[i])
  if actual ~= tonumber(ARGV[i + 1]) then
    if areAllKnown(memory, first, #ARGV) then break end
    return {(i - 4) / 2, actual}
  end
end

local append, finish = appenderTo(streams, KEYS[4])
local places, duplicates = appendEvents(memory, first, #ARGV, function(i)
  local id, key = append(i), ARGV[i + 3]
  if key == '' then return id end
  versions[key] = versionOf(key) + 1
  counted[key] = true
  return id .. ' ' .. versions[key]
end)
finish()
for key in pairs(counted) do redis.call('HSET', versionsHash, key, versions[key]) end
return {places, duplicates}
