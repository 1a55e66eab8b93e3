-- Whether there is such a group.
local function hasGroup(stream, group)
  local summary = redis.pcall('XPENDING', stream, group)
  if not summary.err then return true end
  if string.sub(summary.err, 1, 7) == 'NOGROUP' then return false end
  error(summary)
end

-- What a consumer holds: the row that XPENDING has of an entry, {id, consumer, idle ms, deliveries}, when the consumer
-- holds it with that attempt. Nil when the hold is lost. Fails with NOGROUP without the group.
local function held(stream, group, consumer, id, attempt)
  local row = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
  return row and row[4] == tonumber(attempt) and row or nil
end

-- The consumers that nobody is go with the last entry that they held: XINFO shows who is there.
local function removeWhenEmpty(stream, group, consumer)
  if #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
  end
end
