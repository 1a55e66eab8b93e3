-- Who has not acknowledged an entry, of all groups of a log.
-- Includes: order, fields

-- The groups of the stream, each with where it stands.
local function groupsOf(stream)
  local groups = {}
  for i, reply in ipairs(redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}) do
    local info = fieldsOf(reply)
    local oldest = redis.call('XPENDING', stream, info.name)[2]
    groups[i] = {name = info.name, delivered = info['last-delivered-id'], oldest = oldest, lost = 0}
  end
  return groups
end

-- Every entry before the oldest pending one is done with, and needs no closer look.
local function isUnacknowledged(stream, group, id)
  if precedes(group.delivered, id) then return true end
  if not group.oldest or precedes(id, group.oldest) then return false end
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
