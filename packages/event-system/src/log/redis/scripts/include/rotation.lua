-- Texts that are kept for a time, id -> text, in two hashes. The field '' of a hash has the time at which it was begun, in
-- ms. All writes go to the hash that was begun last. When that hash is as old as texts are kept, the other one has only
-- older texts: it is emptied, and takes the writes. A hash expires that long after its last write. So a text is kept for
-- one to two times as long.

-- `keep`: how long texts are kept, in ms.
local function rotationOf(evenHash, oddHash, keep)
  local time = redis.call('TIME')
  local rotation = {hashes = {evenHash, oddHash}, keep = keep, begun = {}}
  rotation.now = time[1] * 1000 + math.floor(time[2] / 1000)
  for n, hash in ipairs(rotation.hashes) do rotation.begun[n] = tonumber(redis.call('HGET', hash, '')) or 0 end
  return rotation
end

-- The number of the hash that takes the writes.
local function newestOf(rotation)
  return rotation.begun[1] >= rotation.begun[2] and 1 or 2
end

-- Id -> text, of those that are kept.
local function recall(rotation, ids)
  local texts, newest = {}, newestOf(rotation)
  for _, n in ipairs({3 - newest, newest}) do
    local found = redis.call('HMGET', rotation.hashes[n], unpack(ids))
    for i, id in ipairs(ids) do texts[id] = found[i] or texts[id] end
  end
  return texts
end

-- `fresh`: ids and texts in turn.
local function remember(rotation, fresh)
  if #fresh == 0 then return end
  local n = newestOf(rotation)
  if rotation.now - rotation.begun[n] >= rotation.keep then
    n = 3 - n
    redis.call('UNLINK', rotation.hashes[n])
    redis.call('HSET', rotation.hashes[n], '', rotation.now)
    rotation.begun[n] = rotation.now
  end
  redis.call('HSET', rotation.hashes[n], unpack(fresh))
  redis.call('PEXPIRE', rotation.hashes[n], rotation.keep)
end

local function forget(rotation, id)
  for _, hash in ipairs(rotation.hashes) do redis.call('HDEL', hash, id) end
end
