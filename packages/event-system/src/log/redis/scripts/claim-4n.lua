-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them, and those that nobody
-- holds. XCLAIM drops from the pending list what is no longer in the stream.
-- Includes: streams, merge, hold, due, pending, describe
--
-- KEYS  1 the partitions, 2 the notes, 3 the amended payloads, 4 the sorted set of delayed entries, 5.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 consumer, 4 least idle time in ms, 5 how many at most,
--       6 the consumer that held them, '' for any, 7 where to begin, as XPENDING takes it, 8 the consumer that nobody is,
--       9 the one that waits
-- Returns {{id, fields, deliveries, note, amended payload}, ...}

local stale = outdated()
if stale then return stale end
local notes, amended, delayed, streams = KEYS[2], KEYS[3], KEYS[4], streamsFrom(5)
local group, consumer, idle, limit, heldBy, from = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local nobody, waiting = ARGV[8], ARGV[9]

-- What was idle long enough, and is no matter of the consumers that nobody is.
local function idlePage(stream, first, most)
  local holder = heldBy ~= '' and {heldBy} or {}
  local rows = redis.call('XPENDING', stream, group, 'IDLE', idle, first, '+', most, unpack(holder))
  local ofSomebody = {}
  for _, row in ipairs(rows) do
    if row[2] ~= nobody and row[2] ~= waiting then ofSomebody[#ofSomebody + 1] = row end
  end
  return ofSomebody, behind(rows, most)
end

local function releasedPage(stream, first, most)
  local rows = redis.call('XPENDING', stream, group, first, '+', most, nobody)
  return rows, behind(rows, most)
end

redis.call('XPENDING', streams[1], group) -- Without the group, it ends here.
freeDue(streams, group, delayed, waiting, nobody)

local sources = {}
for _, stream in ipairs(streams) do
  sources[#sources + 1] = {stream = stream, page = idlePage}
  if heldBy == '' then sources[#sources + 1] = {stream = stream, page = releasedPage} end
end
local function pageOf(source, first, most) return source.page(source.stream, first, most) end

local deliveries = {}
local tookFromNobody, isAtEnd = false, false
while #deliveries < limit and not isAtEnd do
  local wanted = math.min(500, limit - #deliveries)
  local rows, owners = mergedRows(sources, allFrom(sources, from), wanted, pageOf)
  local ids, counts, streamsOfIds = {}, {}, {}
  for i, row in ipairs(rows) do
    ids[i] = row[1]
    counts[row[1]] = row[4] + 1
    streamsOfIds[i] = owners[i].stream
    tookFromNobody = tookFromNobody or row[2] == nobody
  end
  for _, entry in ipairs(takeOver(streamsOfIds, ids, group, consumer, notes, amended)) do
    deliveries[#deliveries + 1] = {entry[1], entry[2], counts[entry[1]]}
  end
  isAtEnd = #rows < wanted
  if not isAtEnd then from = '(' .. ids[#ids] end
end

if tookFromNobody then removeWhenEmpty(streams, group, nobody) end
return describe(notes, amended, deliveries)
