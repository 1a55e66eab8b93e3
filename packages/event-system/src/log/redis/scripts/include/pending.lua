-- What is pending in a group. Fails with NOGROUP without the group.
-- Includes: kept

-- How many entries, and how many of each consumer.
local function pendingSummary(stream, group)
  local summary, byConsumer = redis.call('XPENDING', stream, group), {}
  for _, consumer in ipairs(summary[4] or {}) do byConsumer[consumer[1]] = tonumber(consumer[2]) end
  return summary[1], byConsumer
end

-- Takes pending entries over, and forgets what is kept of those that were trimmed. Returns {id, fields} of the others, in
-- the order of the ids.
local function takeOver(stream, ids, group, consumer, kept)
  if #ids == 0 then return {} end
  local entries = redis.call('XCLAIM', stream, group, consumer, 0, unpack(ids))
  if #entries == #ids then return entries end
  local isThere = {}
  for _, entry in ipairs(entries) do isThere[entry[1]] = true end
  for _, id in ipairs(ids) do
    if not isThere[id] then forgetTexts(kept, {id}) end
  end
  return entries
end
