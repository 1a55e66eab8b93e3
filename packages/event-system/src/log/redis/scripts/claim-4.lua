-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them, and those that nobody
-- holds. XCLAIM drops from the pending list what is no longer in the stream.
-- Includes: order, hold, due, describe
--
-- KEYS  1 the stream, 2 the notes, 3 the amended payloads, 4 the sorted set of delayed entries
-- ARGV  1 group, 2 consumer, 3 least idle time in ms, 4 how many at most, 5 the consumer that held them, '' for any,
--       6 where to begin, as XPENDING takes it, 7 the consumer that nobody is, 8 the one that waits
-- Returns {{id, fields, deliveries, note, amended payload}, ...}

local PAGE = 500
local stream, notes, amended, delayed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, consumer, idle, limit, heldBy, from = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local nobody, waiting = ARGV[7], ARGV[8]

local function idlePage()
  if heldBy ~= '' then return redis.call('XPENDING', stream, group, 'IDLE', idle, from, '+', PAGE, heldBy) end
  return redis.call('XPENDING', stream, group, 'IDLE', idle, from, '+', PAGE)
end

local function releasedPage()
  if heldBy ~= '' then return {} end
  return redis.call('XPENDING', stream, group, from, '+', PAGE, nobody)
end

-- A page of rows in log order, and behind which id it ends: a full page says nothing of what lies behind it.
local function nextPage()
  local pages, ending = {idlePage(), releasedPage()}, nil
  for _, page in ipairs(pages) do
    local last = #page == PAGE and page[PAGE][1]
    if last and (not ending or precedes(last, ending)) then ending = last end
  end
  local rows = {}
  for i, page in ipairs(pages) do
    for _, row in ipairs(page) do
      local isWanted = i == 2 or (row[2] ~= nobody and row[2] ~= waiting)
      if isWanted and not (ending and precedes(ending, row[1])) then rows[#rows + 1] = row end
    end
  end
  table.sort(rows, function(a, b) return precedes(a[1], b[1]) end)
  return rows, ending
end

redis.call('XPENDING', stream, group) -- Without the group, it ends here.
freeDue(stream, group, delayed, waiting, nobody)

local deliveries = {}
local tookFromNobody = false
repeat
  local rows, ending = nextPage()
  local at = 1
  while at <= #rows and #deliveries < limit do
    local ids, counts = {}, {}
    for i = at, math.min(at + limit - #deliveries - 1, #rows) do
      local row = rows[i]
      ids[#ids + 1] = row[1]
      counts[row[1]] = row[4] + 1
      tookFromNobody = tookFromNobody or row[2] == nobody
    end
    at = at + #ids
    for _, entry in ipairs(redis.call('XCLAIM', stream, group, consumer, 0, unpack(ids))) do
      deliveries[#deliveries + 1] = {entry[1], entry[2], counts[entry[1]]}
      counts[entry[1]] = nil
    end
    for trimmed in pairs(counts) do
      redis.call('HDEL', notes, trimmed)
      redis.call('HDEL', amended, trimmed)
    end
  end
  if ending then from = '(' .. ending end
until not ending or #deliveries >= limit

if tookFromNobody then removeWhenEmpty(stream, group, nobody) end
return describe(notes, amended, deliveries)
