-- The documents of a collection, by their ids. A lasting collection has a hash, id -> revision, ':' and value, in which the
-- field '' has the revision of the collection, and a sorted set of the ids. An expiring collection is a rotation.
-- Includes: rotation

-- `keep`: how long the documents of an expiring collection are kept, in ms; nil for a lasting one.
local function collectionIn(first, second, keep)
  if keep then return {rotation = rotationOf(first, second, keep)} end
  redis.call('ZCARD', second) -- A key of another type fails here.
  return {hash = first, ids = second, revision = tonumber(redis.call('HGET', first, '') or 0)}
end

-- Of a document, as a text: '0' where there is none. An expiring collection knows '1' for one that is there.
local function revisionOf(collection, id)
  if collection.rotation then return recall(collection.rotation, {id})[id] and '1' or '0' end
  local text = redis.call('HGET', collection.hash, id)
  return text and string.match(text, '^%d+') or '0'
end

local function lastRevision(collection)
  return collection.revision or 0
end

-- Follows the clock, so that it grows also where the collection was lost.
local function nextRevision(collection)
  if collection.rotation then return 0 end
  local time = redis.call('TIME')
  collection.revision = math.max(collection.revision + 1, time[1] * 1000000 + time[2])
  return collection.revision
end

-- Writes a document, or the revision alone where its value is nil.
local function put(collection, id, value, revision)
  local text = string.format('%.0f', revision)
  if collection.rotation then
    if value then remember(collection.rotation, {id, value}) end
  elseif value then
    redis.call('HSET', collection.hash, '', text, id, text .. ':' .. value)
    redis.call('ZADD', collection.ids, 0, id)
  elseif revision > 0 then
    redis.call('HSET', collection.hash, '', text)
  end
end

-- Removes a document where its value is nil.
local function remove(collection, id, value)
  if value then return end
  if collection.rotation then return forget(collection.rotation, id) end
  redis.call('ZREM', collection.ids, id)
  redis.call('HDEL', collection.hash, id)
end
