-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them, and those that nobody
-- holds, of all its streams in the order of the ids. XCLAIM drops from the pending list what is no longer in the stream.
-- Includes: order, hold, due, attachments
--
-- KEYS  for each stream: the stream, the attachments, the sorted set of delayed entries
-- ARGV  1 group, 2 consumer, 3 least idle time in ms, 4 how many at most, 5 the consumer that held them, '' for any,
--       6 the consumer that nobody is, 7 the one that waits, then for each stream where to begin, as XPENDING takes it
-- Returns {{id, fields, deliveries, attachment, number of the stream from 0}, ...}

local group, consumer, idle, limit, heldBy = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local nobody, waiting = ARGV[6], ARGV[7]

-- A page of rows, and behind which id the next one begins; nil behind the last.
local function page(rows, most)
  return rows, #rows == most and '(' .. rows[most][1] or nil
end

-- What was idle long enough, and is no matter of the consumers that nobody is.
local function idlePage(stream, first, most)
  local holder = heldBy ~= '' and {heldBy} or {}
  local rows, next = page(redis.call('XPENDING', stream, group, 'IDLE', idle, first, '+', most, unpack(holder)), most)
  local ofSomebody = {}
  for _, row in ipairs(rows) do
    if row[2] ~= nobody and row[2] ~= waiting then ofSomebody[#ofSomebody + 1] = row end
  end
  return ofSomebody, next
end

local function releasedPage(stream, first, most)
  return page(redis.call('XPENDING', stream, group, first, '+', most, nobody), most)
end

-- Rows of one page after another, as they are taken.
local function rowsOf(part, from, pageOf)
  local source = {part = part, rows = {}, at = 1, next = from}
  function source.first()
    while source.at > #source.rows do
      if not source.next then return nil end
      source.rows, source.next = pageOf(part.stream, source.next, math.min(500, limit))
      source.at = 1
    end
    return source.rows[source.at]
  end
  return source
end

local parts, sources = {}, {}
for n = 1, #KEYS / 3 do
  local part = {number = n - 1, stream = KEYS[3 * n - 2], attachments = KEYS[3 * n - 1], delayed = KEYS[3 * n], deliveries = {}}
  redis.call('XPENDING', part.stream, group) -- Without the group, it ends here.
  redis.call('HLEN', part.attachments) -- A key of another type fails here.
  parts[n] = part
end
for n, part in ipairs(parts) do
  freeDue(part.stream, group, part.delayed, waiting, nobody)
  sources[#sources + 1] = rowsOf(part, ARGV[7 + n], idlePage)
  if heldBy == '' then sources[#sources + 1] = rowsOf(part, ARGV[7 + n], releasedPage) end
end

-- The oldest of the first rows, and its part.
local function nextRow()
  local oldest, row
  for _, source in ipairs(sources) do
    local first = source.first()
    if first and (not row or precedes(first[1], row[1])) then oldest, row = source, first end
  end
  if not oldest then return nil end
  oldest.at = oldest.at + 1
  return row, oldest.part
end

-- Takes entries over, and forgets what is kept of those that were trimmed. Returns {id, fields} of the others, in the order
-- of the ids.
local function takeOver(part, ids)
  if #ids == 0 then return {} end
  local entries = redis.call('XCLAIM', part.stream, group, consumer, 0, unpack(ids))
  if #entries == #ids then return entries end
  local isThere = {}
  for _, entry in ipairs(entries) do isThere[entry[1]] = true end
  for _, id in ipairs(ids) do
    if not isThere[id] then forgetAttachments(part.attachments, {id}) end
  end
  return entries
end

local count, isAtEnd = 0, false
while count < limit and not isAtEnd do
  local taken = 0
  for _, part in ipairs(parts) do part.ids, part.counts = {}, {} end
  while taken < math.min(500, limit - count) do
    local row, part = nextRow()
    if not row then
      isAtEnd = true
      break
    end
    taken = taken + 1
    part.ids[#part.ids + 1] = row[1]
    part.counts[row[1]] = row[4] + 1
    part.tookFromNobody = part.tookFromNobody or row[2] == nobody
  end
  for _, part in ipairs(parts) do
    for _, entry in ipairs(takeOver(part, part.ids)) do
      part.deliveries[#part.deliveries + 1] = {entry[1], entry[2], part.counts[entry[1]]}
      count = count + 1
    end
  end
end

local deliveries = {}
for _, part in ipairs(parts) do
  if part.tookFromNobody then removeWhenEmpty(part.stream, group, nobody) end
  for _, delivery in ipairs(addAttachments(part.attachments, part.deliveries)) do
    delivery[4], delivery[5] = delivery[4] or false, part.number
    deliveries[#deliveries + 1] = delivery
  end
end
return deliveries
