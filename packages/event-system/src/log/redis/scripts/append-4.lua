-- Appends events if the versions of stream keys are as expected, and counts the events of each stream key. All in one step.
-- Includes: append
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key
-- ARGV  1 the window in ms, 0 for none, 2 how many versions are expected, then stream key and version of each, and then
--       the events
-- Returns {places, indexes (from 0) of the duplicates}. Or, when an expected version is wrong and at least one of the
-- events is new, {index (from 0) of the expectation, the version that the key has}; then nothing is written.

local stream, memory, versionsHash = KEYS[1], memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[1])), KEYS[4]
local first = 3 + 2 * ARGV[2]

-- A key of another type fails here, before anything is written.
redis.call('XLEN', stream)
for i = first, #ARGV, WIDTH do
  if ARGV[i + 2] ~= '' then
    redis.call('HLEN', versionsHash)
    break
  end
end

local versions, counted = {}, {}
local function versionOf(key)
  versions[key] = versions[key] or tonumber(redis.call('HGET', versionsHash, key) or 0)
  return versions[key]
end

for i = 3, first - 2, 2 do
  local actual = versionOf(ARGV[i])
  if actual ~= tonumber(ARGV[i + 1]) then
    if areAllKnown(memory, first, #ARGV) then break end
    return {(i - 3) / 2, actual}
  end
end

local places, duplicates = appendEvents(memory, first, #ARGV, function(i)
  local id, key = redis.call('XADD', stream, '*', 'event', ARGV[i + 1]), ARGV[i + 2]
  if key == '' then return id end
  versions[key] = versionOf(key) + 1
  counted[key] = true
  return id .. ' ' .. versions[key]
end)
for key in pairs(counted) do redis.call('HSET', versionsHash, key, versions[key]) end
return {places, duplicates}
