-- Who has not done with an entry, of all groups and guarding cursors of a log.
-- Includes: order, fields, cursor

local function groupsIn(stream)
  return redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}
end

-- The groups of the stream, each with where it stands.
local function groupGuards(stream)
  local guards = {}
  for i, reply in ipairs(groupsIn(stream)) do
    local info = fieldsOf(reply)
    local oldest = redis.call('XPENDING', stream, info.name)[2]
    guards[i] = {name = 'group ' .. info.name, group = info.name, done = info['last-delivered-id'], oldest = oldest, lost = 0}
  end
  return guards
end

-- As groupGuards, in a log of several partitions: the groups are those of partition 0, `plain`. One that the stream does not have
-- yet has passed nothing of it, and one that is not on partition 0 any more is none.
local function groupGuardsIn(plain, stream)
  local known, guards = {}, {}
  for _, guard in ipairs(groupGuards(stream)) do known[guard.group] = guard end
  for i, reply in ipairs(groupsIn(plain)) do
    local name = fieldsOf(reply).name
    guards[i] = known[name] or {name = 'group ' .. name, group = name, done = '0-0', lost = 0}
  end
  return guards
end

-- Where a cursor stands in a partition.
local function placeIn(position, partition)
  if partition == 0 then return string.match(position, '^[^,]+') end
  return string.match(position, ',(%d+%-%d+)%.' .. partition .. '%f[,%z]') or '0-0'
end

-- The groups of a partition and the cursors that guard, each with where it stands. `plain` is the stream of partition 0.
local function guardsOf(stream, cursors, plain, partition)
  local guards = plain == stream and groupGuards(stream) or groupGuardsIn(plain, stream)
  local all = redis.call('HGETALL', cursors)
  for i = 1, #all, 2 do
    local position, isGuarding = parsedCursor(all[i + 1])
    if isGuarding == '1' then guards[#guards + 1] = {name = 'cursor ' .. all[i], done = placeIn(position, partition), lost = 0} end
  end
  return guards
end

-- Whether it needs the entry. Every entry before the oldest pending one of a group is done with, and needs no closer look.
local function needs(stream, guard, id)
  if precedes(guard.done, id) then return true end
  if not guard.oldest or precedes(id, guard.oldest) then return false end
  return #redis.call('XPENDING', stream, guard.group, id, id, 1) == 1
end

-- Those that have not done with it.
local function losersOf(stream, all, id)
  local losers = {}
  for _, guard in ipairs(all) do
    if needs(stream, guard, id) then losers[#losers + 1] = guard end
  end
  return losers
end

-- {`group <name>` or `cursor <name>`, how many, ...} of those that lose any.
local function lostByName(all)
  local lost = {}
  for _, guard in ipairs(all) do
    if guard.lost > 0 then
      lost[#lost + 1] = guard.name
      lost[#lost + 1] = guard.lost
    end
  end
  return lost
end
