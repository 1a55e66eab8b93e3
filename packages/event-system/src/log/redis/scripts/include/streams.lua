-- The versions of stream keys, and the index of each key, which says where its events stand in the log.
-- Includes: order
--
-- A hash has stream key -> version. An index is a list: of each event a version, a space and the message id. The versions
-- follow one another without a gap, up to that of the key. (A stream would take 4 KB for the first event of a key.) The set of
-- indexes has each stream key whose index is there, by the time in its oldest message id, in ms.
--
-- A trim leaves entries in the indexes whose events are gone. Message ids grow with the versions, so these entries stand first
-- in an index, and are cut off, a bounded number at once: by an append, of its own keys, twice as many as it adds; by a
-- reader that finds no event; and by each trim, which finds the other keys by the set. An index without entries is removed.
-- A single event that was removed leaves its entry until the log begins behind it.

local CUT_EVERY = 32 -- versions: an append of fewer mostly cuts nothing, and need not look where the log begins

-- To be called, and openStream() for each key of the events, before anything is written: keys of another type fail there.
local function countsIn(log, versions, indexes)
  redis.call('ZCARD', indexes)
  return {log = log, hash = versions, indexes = indexes, versions = {}, streams = {}}
end

local function versionOf(counts, key)
  counts.versions[key] = counts.versions[key] or tonumber(redis.call('HGET', counts.hash, key) or 0)
  return counts.versions[key]
end

-- Makes a stream key ready for count(). An index that does not end with the version of its key is left from a count that was
-- lost or taken out, and what it says is not true any more.
local function openStream(counts, key, index)
  local newest, version = redis.call('LINDEX', index, -1), versionOf(counts, key)
  local isOutdated = newest and tonumber(string.match(newest, '^%d+')) ~= version
  counts.streams[key] = {index = index, isNew = not newest, isOutdated = isOutdated, toCut = 0}
end

local function messageIdIn(entry) return string.match(entry, ' (.+)$') end
local function timeIn(entry) return string.match(entry, ' (%d+)') end

-- Counts an event that stands in the log under this id, and returns its version. To be followed by keepCounts(). The event comes
-- first: Redis refuses the first write of a script when its memory is full, if that one takes memory, and no later one.
local function count(counts, key, id)
  local stream, version = counts.streams[key], versionOf(counts, key) + 1
  if stream.isOutdated then
    redis.call('UNLINK', stream.index)
    stream.isOutdated, stream.isNew = false, true
  end
  local entry = version .. ' ' .. id
  redis.call('RPUSH', stream.index, entry)
  if stream.isNew then
    redis.call('ZADD', counts.indexes, timeIn(entry), key)
    stream.isNew = false
  end
  stream.isCounted = true
  if version % CUT_EVERY == 0 then stream.toCut = stream.toCut + 2 * CUT_EVERY end
  counts.versions[key] = version
  return version
end

-- The message id of the oldest event; nil when there is none.
local function oldestIn(log)
  local entry = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return entry and entry[1]
end

local function isGone(entry, oldest) return not oldest or precedes(messageIdIn(entry), oldest) end

-- Cuts from an index at most `most` entries that come before the oldest event of the log. Returns how many.
local function cutIndex(indexes, key, index, oldest, most)
  local first = redis.call('LINDEX', index, 0)
  if first and not isGone(first, oldest) then return 0 end
  local cut = 0
  for _, entry in ipairs(redis.call('LRANGE', index, 0, most)) do
    if cut == most or not isGone(entry, oldest) then
      redis.call('LTRIM', index, cut, -1)
      redis.call('ZADD', indexes, timeIn(entry), key)
      return cut
    end
    cut = cut + 1
  end
  redis.call('UNLINK', index)
  redis.call('ZREM', indexes, key)
  return cut
end

local function keepCounts(counts)
  local oldest
  for key, stream in pairs(counts.streams) do
    if stream.isCounted then redis.call('HSET', counts.hash, key, counts.versions[key]) end
    if stream.toCut > 0 then
      oldest = oldest or oldestIn(counts.log)
      cutIndex(counts.indexes, key, stream.index, oldest, stream.toCut)
    end
  end
end
