-- Changes a record of a collection, and with it the collection's revision.
--
-- KEYS  1 the hash of the collection
-- ARGV  1 the id, then
--       '' to remove it; or 'put', the value, and the revision that it is to be written over or '' for any
-- Returns the revision of the collection, or false when nothing changed

local function revisionOf(id)
  local record = redis.call('HGET', KEYS[1], id)
  return record and record:match('^%d+') or '0'
end

if ARGV[2] == '' then
  if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return false end
  return redis.call('HINCRBY', KEYS[1], '', 1)
end

if ARGV[4] ~= '' and ARGV[4] ~= revisionOf(ARGV[1]) then return false end
local revision = redis.call('HINCRBY', KEYS[1], '', 1)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', revision) .. ':' .. ARGV[3])
return revision
