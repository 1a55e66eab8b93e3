-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them, and those that nobody
-- holds. XCLAIM drops from the pending list what is no longer in the stream.
-- Includes: order, hold, due, attachments
--
-- KEYS  1 the stream, 2 the attachments, 3 the sorted set of delayed entries
-- ARGV  1 group, 2 consumer, 3 least idle time in ms, 4 how many at most, 5 the consumer that held them, '' for any,
--       6 where to begin, as XPENDING takes it, 7 the consumer that nobody is, 8 the one that waits
-- Returns {{id, fields, deliveries, attachment}, ...}

local stream, attachments, delayed = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, idle, limit, heldBy, from = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local nobody, waiting = ARGV[7], ARGV[8]

-- A page of rows, and behind which id the next one begins; nil behind the last.
local function page(rows, most)
  return rows, #rows == most and '(' .. rows[most][1] or nil
end

-- What was idle long enough, and is no matter of the consumers that nobody is.
local function idlePage(first, most)
  local holder = heldBy ~= '' and {heldBy} or {}
  local rows, next = page(redis.call('XPENDING', stream, group, 'IDLE', idle, first, '+', most, unpack(holder)), most)
  local ofSomebody = {}
  for _, row in ipairs(rows) do
    if row[2] ~= nobody and row[2] ~= waiting then ofSomebody[#ofSomebody + 1] = row end
  end
  return ofSomebody, next
end

local function releasedPage(first, most)
  return page(redis.call('XPENDING', stream, group, first, '+', most, nobody), most)
end

-- Rows of one page after another, as they are taken.
local function rowsOf(pageOf)
  local source = {rows = {}, at = 1, next = from}
  function source.first()
    while source.at > #source.rows do
      if not source.next then return nil end
      source.rows, source.next = pageOf(source.next, math.min(500, limit))
      source.at = 1
    end
    return source.rows[source.at]
  end
  return source
end

redis.call('XPENDING', stream, group) -- Without the group, it ends here.
redis.call('HLEN', attachments) -- A key of another type fails here.
freeDue(stream, group, delayed, waiting, nobody)

local idleRows = rowsOf(idlePage)
local releasedRows = rowsOf(heldBy == '' and releasedPage or function() return {}, nil end)

-- The older of the first rows of both.
local function nextRow()
  local a, b = idleRows.first(), releasedRows.first()
  local source = (not b or (a and precedes(a[1], b[1]))) and idleRows or releasedRows
  local row = source.first()
  source.at = source.at + 1
  return row
end

-- Takes entries over, and forgets what is kept of those that were trimmed. Returns {id, fields} of the others, in the order
-- of the ids.
local function takeOver(ids)
  if #ids == 0 then return {} end
  local entries = redis.call('XCLAIM', stream, group, consumer, 0, unpack(ids))
  if #entries == #ids then return entries end
  local isThere = {}
  for _, entry in ipairs(entries) do isThere[entry[1]] = true end
  for _, id in ipairs(ids) do
    if not isThere[id] then forgetAttachments(attachments, {id}) end
  end
  return entries
end

local deliveries, tookFromNobody, isAtEnd = {}, false, false
while #deliveries < limit and not isAtEnd do
  local ids, counts = {}, {}
  while #ids < math.min(500, limit - #deliveries) do
    local row = nextRow()
    if not row then
      isAtEnd = true
      break
    end
    ids[#ids + 1] = row[1]
    counts[row[1]] = row[4] + 1
    tookFromNobody = tookFromNobody or row[2] == nobody
  end
  for _, entry in ipairs(takeOver(ids)) do
    deliveries[#deliveries + 1] = {entry[1], entry[2], counts[entry[1]]}
  end
end

if tookFromNobody then removeWhenEmpty(stream, group, nobody) end
return addAttachments(attachments, deliveries)
