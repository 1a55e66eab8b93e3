-- Removes the oldest entries of the streams of a log, in the order of their ids: one bounded step of a trim. The guard: an entry that
-- some group has not acknowledged, or some guarding cursor has not passed, stays, and so does all behind it, unless forced.
-- Includes: guard
--
-- KEYS  1 the cursors, 2 partition 0, 3.. the streams of the partitions
-- ARGV  1 how many at most, 2 only those appended before this time in ms ('' for any), 3 how many to keep, 4 '1' to force, 5 how
--       many a dry run has counted so far, '' when it is none, then for each stream the number of its partition, and where to
--       begin, as XRANGE takes it; '-' unless it is a dry run
-- Returns {removed, lost, guarded, {name, lost by it, ...}, for each stream the last id}: lost counts what was removed against the
-- guard, guarded is 1 when the guard ended the step

local PAGE = 100
local before, force, isDry = tonumber(ARGV[2]), ARGV[4] == '1', ARGV[5] ~= ''

local parts, length = {}, 0
for n = 1, #KEYS - 2 do
  local part = {stream = KEYS[n + 2], number = tonumber(ARGV[4 + 2 * n]), next = ARGV[5 + 2 * n], rows = {}, at = 1, removed = 0, last = ''}
  part.length = redis.call('XLEN', part.stream)
  length = length + part.length
  parts[n] = part
end
local most = math.min(tonumber(ARGV[1]), length - tonumber(ARGV[3]) - (isDry and tonumber(ARGV[5]) or 0))

-- The first id of a partition that was not looked at; nil behind its last.
local function headOf(part)
  if part.at > #part.rows and part.next then
    local page = redis.call('XRANGE', part.stream, part.next, '+', 'COUNT', math.min(PAGE, most))
    part.rows, part.at = {}, 1
    for i, entry in ipairs(page) do part.rows[i] = entry[1] end
    part.next = #page == math.min(PAGE, most) and '(' .. page[#page][1] or nil
  end
  return part.rows[part.at]
end

local function oldestPart()
  local oldest, id
  for _, part in ipairs(parts) do
    local head = headOf(part)
    if head and (not oldest or precedes(head, id)) then oldest, id = part, head end
  end
  return oldest, id
end

local removed, lost, guarded, all = 0, 0, 0, {}
while removed < most do
  local part, id = oldestPart()
  if not part or (before and tonumber(string.match(id, '^%d+')) >= before) then break end
  if not part.guards then
    part.guards = guardsOf(part.stream, KEYS[1], KEYS[2], part.number)
    for _, guard in ipairs(part.guards) do all[#all + 1] = guard end
  end
  local losers = losersOf(part.stream, part.guards, id)
  if #losers > 0 then
    if not force then
      guarded = 1
      break
    end
    lost = lost + 1
    for _, guard in ipairs(losers) do guard.lost = guard.lost + 1 end
  end
  removed, part.removed, part.last, part.at = removed + 1, part.removed + 1, id, part.at + 1
end

local lasts = {}
for n, part in ipairs(parts) do
  lasts[n] = part.last
  if not isDry and part.removed > 0 then redis.call('XTRIM', part.stream, 'MAXLEN', '=', part.length - part.removed) end
end
return {removed, lost, guarded, lostByName(all), lasts}
