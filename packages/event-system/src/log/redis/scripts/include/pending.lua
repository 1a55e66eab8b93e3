-- What is pending in a group, in all streams of its log. Fails with NOGROUP without the group.
-- Includes: order

-- How many entries, the id of the oldest (nil with none), and how many of each consumer.
local function pendingSummary(streams, group)
  local total, oldest, byConsumer = 0, nil, {}
  for _, stream in ipairs(streams) do
    local summary = redis.call('XPENDING', stream, group)
    total = total + summary[1]
    if summary[2] and (not oldest or precedes(summary[2], oldest)) then oldest = summary[2] end
    for _, consumer in ipairs(summary[4] or {}) do
      byConsumer[consumer[1]] = (byConsumer[consumer[1]] or 0) + tonumber(consumer[2])
    end
  end
  return total, oldest, byConsumer
end

-- Takes pending entries over, each in its stream, and forgets what is kept of those that were trimmed. Returns {id, fields}
-- of the others, in the order of the ids.
local function takeOver(owners, ids, group, consumer, notes, amended)
  local idsOf, entryOf = {}, {}
  for i, id in ipairs(ids) do
    idsOf[owners[i]] = idsOf[owners[i]] or {}
    table.insert(idsOf[owners[i]], id)
  end
  for stream, ofStream in pairs(idsOf) do
    for _, entry in ipairs(redis.call('XCLAIM', stream, group, consumer, 0, unpack(ofStream))) do
      entryOf[entry[1]] = entry
    end
  end
  local entries = {}
  for _, id in ipairs(ids) do
    if entryOf[id] then
      entries[#entries + 1] = entryOf[id]
    else
      redis.call('HDEL', notes, id)
      redis.call('HDEL', amended, id)
    end
  end
  return entries
end
