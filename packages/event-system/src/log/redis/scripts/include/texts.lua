-- The text of an entry of a stream of texts, as it is now: what was written in its place stands in a hash beside the
-- stream. nil when there is no such entry.
local function textAt(stream, rewritten, id)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  return entry and (redis.call('HGET', rewritten, id) or entry[2][2])
end
