-- The index of each stream key, which says where its events stand in the log.
-- Includes: one-stream
--
-- An index is a list: of each event a version, a space and the message id. The versions follow one another without a gap, up to
-- that of the key. (A stream would take 4 KB for the first event of a key.) The set of indexes has each stream key whose index
-- is there, by the time in its oldest message id, in ms.
--
-- A trim leaves entries in the indexes whose events are gone. Message ids grow with the versions, so these entries stand first
-- in an index, and are cut off, a bounded number at once: by an append, of its own keys, twice as many as it adds; by a
-- reader that finds no event; and by each trim, which finds the other keys by the set. An index without entries is removed.
-- A single event that was removed leaves its entry until the log begins behind it.

local CUT_EVERY = 32 -- versions: an append of fewer mostly cuts nothing, and need not look where the log begins

-- The index of a stream key that has this version. One that does not end with it is left from a count that was lost or taken out,
-- and what it says is not true any more.
local function openStream(index, version)
  local newest = redis.call('LINDEX', index, -1)
  local isOutdated = newest and tonumber(string.match(newest, '^%d+')) ~= version
  return {index = index, isNew = not newest, isOutdated = isOutdated, toCut = 0}
end

local function timeIn(entry) return string.match(entry, ' (%d+)') end

local function addToStream(indexes, key, stream, version, id)
  if stream.isOutdated then
    redis.call('UNLINK', stream.index)
    stream.isOutdated, stream.isNew = false, true
  end
  local entry = version .. ' ' .. id
  redis.call('RPUSH', stream.index, entry)
  if stream.isNew then
    redis.call('ZADD', indexes, timeIn(entry), key)
    stream.isNew = false
  end
  if version % CUT_EVERY == 0 then stream.toCut = stream.toCut + 2 * CUT_EVERY end
end

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

-- Cuts what the entries that were added allow.
local function cutStream(log, indexes, key, stream)
  if stream.toCut == 0 then return end
  cutIndex(indexes, key, stream.index, oldestIn(log), stream.toCut)
  stream.toCut = 0
end
