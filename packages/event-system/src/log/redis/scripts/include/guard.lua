-- Who has not done with an entry, of all groups and guarding cursors of a log.
-- Includes: order, fields, cursor

-- The groups of the stream and the cursors that guard, each with where it stands.
local function guardsOf(stream, cursors)
  local guards = {}
  for i, reply in ipairs(redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'GROUPS', stream) or {}) do
    local info = fieldsOf(reply)
    local oldest = redis.call('XPENDING', stream, info.name)[2]
    guards[i] = {name = 'group ' .. info.name, group = info.name, done = info['last-delivered-id'], oldest = oldest, lost = 0}
  end
  local all = redis.call('HGETALL', cursors)
  for i = 1, #all, 2 do
    local position, isGuarding = parsedCursor(all[i + 1])
    if isGuarding == '1' then guards[#guards + 1] = {name = 'cursor ' .. all[i], done = position, lost = 0} end
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
