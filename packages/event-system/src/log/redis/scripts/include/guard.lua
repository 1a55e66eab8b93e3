-- Who has not acknowledged an entry, of all groups of a log.
-- Includes: order, fields, streams

-- The groups of the log's own stream, each with where it stands in each stream.
local function groupsOf(streams)
  local groups, byName = {}, {}
  for i, stream in ipairs(streams) do
    local isThere = redis.call('EXISTS', stream) == 1
    for _, reply in ipairs(isThere and redis.call('XINFO', 'GROUPS', stream) or {}) do
      local info = fieldsOf(reply)
      if i == 1 then
        groups[#groups + 1] = {name = info.name, standing = {}, lost = 0}
        byName[info.name] = groups[#groups]
      end
      if byName[info.name] then
        local oldest = redis.call('XPENDING', stream, info.name)[2]
        byName[info.name].standing[stream] = {delivered = info['last-delivered-id'], oldest = oldest}
      end
    end
  end
  return groups
end

-- Every entry before the oldest pending one is done with, and needs no closer look.
local function isUnacknowledged(stream, group, id)
  local standing = group.standing[stream]
  if not standing then return false end
  if precedes(standing.delivered, id) then return true end
  if not standing.oldest or precedes(id, standing.oldest) then return false end
  return #redis.call('XPENDING', stream, group.name, id, id, 1) == 1
end

-- The groups that have not acknowledged it.
local function losersOf(stream, groups, id)
  local losers = {}
  for _, group in ipairs(groups) do
    if isUnacknowledged(stream, group, id) then losers[#losers + 1] = group end
  end
  return losers
end

-- {name, how many, ...} of the groups that lose any.
local function lostByGroup(groups)
  local lost = {}
  for _, group in ipairs(groups) do
    if group.lost > 0 then
      lost[#lost + 1] = group.name
      lost[#lost + 1] = group.lost
    end
  end
  return lost
end
