-- Removes the oldest entries, one bounded step of a trim. The guard: an entry that some group has not acknowledged stays,
-- and so does all behind it, unless forced.
--
-- KEYS  1 the stream
-- ARGV  1 how many at most, 2 only those appended before this time in ms ('' for any), 3 how many to keep, 4 '1' to force
-- Returns {removed, lost, guarded}: lost counts what was removed unacknowledged, guarded is 1 when the guard ended the step

if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, 0} end

local function split(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local function precedes(a, b)
  local msA, sequenceA = split(a)
  local msB, sequenceB = split(b)
  return msA < msB or (msA == msB and sequenceA < sequenceB)
end

local groups = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local info = {}
  for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
  local summary = redis.call('XPENDING', KEYS[1], info.name)
  groups[#groups + 1] = {name = info.name, delivered = info['last-delivered-id'], oldest = summary[2]}
end

-- Every entry before the oldest pending one is done with, and needs no closer look.
local function isUnacknowledged(id)
  for _, group in ipairs(groups) do
    if precedes(group.delivered, id) then return true end
    if group.oldest and not precedes(id, group.oldest) then
      if #redis.call('XPENDING', KEYS[1], group.name, id, id, 1) == 1 then return true end
    end
  end
  return false
end

-- The length is looked at here, and not by the caller: of two that trim to the same length, the second finds it done.
local length = redis.call('XLEN', KEYS[1])
local most = math.min(tonumber(ARGV[1]), length - tonumber(ARGV[3]))
if most <= 0 then return {0, 0, 0} end

local before = tonumber(ARGV[2])
local force = ARGV[4] == '1'
local removed, lost, guarded = 0, 0, 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', most)) do
  if before and split(entry[1]) >= before then break end
  if isUnacknowledged(entry[1]) then
    if not force then
      guarded = 1
      break
    end
    lost = lost + 1
  end
  removed = removed + 1
end
if removed > 0 then redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', length - removed) end
return {removed, lost, guarded}
