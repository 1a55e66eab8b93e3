-- Counts the events of each stream key, in a hash, stream key -> how many, and adds them to the index of the key.
-- Includes: append, streams

-- `known`: what is known of keys by now. `counted`: the keys whose counts are not stored yet. `streams`: the indexes of keys.
-- To be called, and openStreams() for the keys of the events, before anything is written: keys of another type fail there.
local function versionsIn(hash, indexes)
  redis.call('ZCARD', indexes)
  return {hash = hash, indexes = indexes, known = {}, counted = {}, streams = {}}
end

local function versionOf(versions, key)
  versions.known[key] = versions.known[key] or tonumber(redis.call('HGET', versions.hash, key) or 0)
  return versions.known[key]
end

-- Makes stream keys ready for appendCounted(). They stand in ARGV from `first` on, and their indexes in KEYS from `firstIndex` on.
local function openStreams(versions, count, first, firstIndex)
  for n = 0, count - 1 do
    local key = ARGV[first + n]
    versions.streams[key] = openStream(KEYS[firstIndex + n], versionOf(versions, key))
  end
end

-- Looks at what is expected: stream keys and versions in turn, from `first` to `last` of ARGV. Where none of the events is new,
-- nothing is expected. Returns the index (from 0) of the first that is wrong, and the version that the key has; nil for none.
local function wrongVersion(versions, memory, first, last, firstEvent, lastEvent)
  for i = first, last, 2 do
    local actual = versionOf(versions, ARGV[i])
    if actual ~= tonumber(ARGV[i + 1]) then
      if areAllKnown(memory, firstEvent, lastEvent) then return nil end
      return (i - first) / 2, actual
    end
  end
  return nil
end

-- Appends the events from `first` to `last` to the stream, and counts those with a stream key. An event comes before its entry in an
-- index: Redis refuses the first write of a script when its memory is full, if that one takes memory, and no later one. Returns
-- what appendEvents does.
local function appendCounted(stream, versions, memory, first, last)
  local places, duplicates = appendEvents(memory, first, last, function(i)
    local id, key = addEvent(stream, i), ARGV[i + 2]
    if key == '' then return id end
    versions.known[key] = versionOf(versions, key) + 1
    versions.counted[key] = true
    addToStream(versions.indexes, key, versions.streams[key], versions.known[key], id)
    return id .. ' ' .. versions.known[key]
  end)
  for key in pairs(versions.counted) do
    redis.call('HSET', versions.hash, key, versions.known[key])
    cutStream(stream, versions.indexes, key, versions.streams[key])
  end
  keepIds()
  versions.counted = {}
  return places, duplicates
end
