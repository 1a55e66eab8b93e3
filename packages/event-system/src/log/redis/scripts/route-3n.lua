-- Hands the next entries of a group to their shards: each shard's pending list is that of a consumer of its own. One
-- step, which takes place only when the group stands where the caller thinks that it does: of two that route the same
-- entries, one does. Where it stands is a message id for each stream, with spaces between.
-- Includes: order, fields, streams, pending
--
-- KEYS  1 the partitions, 2 the group's sharding, 3 the stream of what was routed, 4.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group, 3 where the caller thinks that it stands, 4 how many entries
--       may be pending of one shard, 5 the consumer that nobody is, 6 who routes, '' when nobody else is to know, 7 the
--       consumer that holds what is delayed, then
--       for each shard: its consumer, shard, the caller's tenure of it ('' when it has none), the last id that the
--       caller has of it, how many, and the message ids
-- Returns {'routed', where the group stands then, what was told to others, shards whose entries the caller has been
-- given, as delivered once: those where it has all that came before}, or where the group stands behind 'moved';
-- 'leftovers' when what nobody holds is to be routed first; 'full' when a shard has too much pending, or a consumer that
-- is no shard has older entries, which come first once it is known to be dead

local stale = outdated()
if stale then return stale end
local streams, group, expected = streamsFrom(4), ARGV[2], ARGV[3]
local infoOf, standing = {}, {}
for i, stream in ipairs(streams) do
  local info = groupInfo(stream, group)
  if not info then return redis.error_reply('NOGROUP There is no consumer group ' .. group .. ' in ' .. stream) end
  infoOf[stream] = info
  standing[i] = info['last-delivered-id']
end
local function standsAt() return table.concat(standing, ' ') end
if standsAt() ~= expected then return {'moved', standsAt()} end

local total, _, pending = pendingSummary(streams, group)
if pending[ARGV[5]] then return {'leftovers', standsAt()} end
for consumer in pairs(pending) do
  if consumer ~= ARGV[7] and not string.match(consumer, '^%(shard%-%d+%)$') then return {'full', standsAt()} end
end

local sections = {}
local at = 8
while at <= #ARGV do
  local count = tonumber(ARGV[at + 4])
  local section = {consumer = ARGV[at], shard = ARGV[at + 1], tenure = ARGV[at + 2], last = ARGV[at + 3], idsOf = {}}
  for i = at + 5, at + 4 + count do
    local stream = streamOf(streams, ARGV[i])
    section.idsOf[stream] = section.idsOf[stream] or {}
    table.insert(section.idsOf[stream], ARGV[i])
  end
  if (pending[section.consumer] or 0) >= tonumber(ARGV[4]) then return {'full', standsAt()} end
  sections[#sections + 1] = section
  at = at + 5 + count
end

-- How many entries the stream had when the last of these was appended: from that Redis knows the lag. Nil when XDEL has
-- made holes that it cannot count.
local function entriesRead(stream, last, count)
  local info = infoOf[stream]
  local log = fieldsOf(redis.call('XINFO', 'STREAM', stream))
  local delivered = info['last-delivered-id']
  if log['last-generated-id'] == last then return log['entries-added'] end
  if precedes(delivered, log['max-deleted-entry-id']) then return nil end
  if precedes(delivered, log['recorded-first-entry-id']) then return log['entries-added'] - log.length + count end
  return info['entries-read'] and info['entries-read'] + count
end

local function moveTo(i, last, count)
  local read = entriesRead(streams[i], last, count)
  local entries = read and {'ENTRIESREAD', string.format('%.0f', read)} or {}
  redis.call('XGROUP', 'SETID', streams[i], group, last, unpack(entries))
  standing[i] = last
end

-- A group that was moved back has entries before it that are pending still. Those that a shard has stay as they are.
local function claimRewound(stream, consumer, ids)
  for _, id in ipairs(ids) do
    local row = redis.call('XPENDING', stream, group, id, id, 1)[1]
    if not row or not string.match(row[2], '^%(shard%-%d+%)$') then
      local deliveries = row and row[4] or 0
      redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID')
    end
  end
end

-- Whether the caller has the shard, and all that came before.
local function isGivenToCaller(section)
  if section.tenure == '' or redis.call('HGET', KEYS[2], section.shard) ~= section.tenure then return false end
  for _, stream in ipairs(streams) do
    if #redis.call('XPENDING', stream, group, '(' .. section.last, '+', 1, section.consumer) > 0 then return false end
  end
  return true
end

local function claimNew(stream, consumer, ids, deliveries)
  local args = {'XCLAIM', stream, group, consumer, 0}
  for _, id in ipairs(ids) do args[#args + 1] = id end
  for _, arg in ipairs({'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID'}) do args[#args + 1] = arg end
  redis.call(unpack(args))
end

-- Where any stream was moved back to before what is pending.
local function isRewound()
  if total == 0 then return false end
  for _, stream in ipairs(streams) do
    local last = redis.call('XPENDING', stream, group)[3]
    if last and precedes(infoOf[stream]['last-delivered-id'], last) then return true end
  end
  return false
end

local given, countOf, lastOf = {}, {}, {}
local wasMovedBack = isRewound()
for _, section in ipairs(sections) do
  local isGiven = not wasMovedBack and isGivenToCaller(section)
  if isGiven then given[#given + 1] = section.shard end
  for stream, ids in pairs(section.idsOf) do
    countOf[stream] = (countOf[stream] or 0) + #ids
    if not lastOf[stream] or precedes(lastOf[stream], ids[#ids]) then lastOf[stream] = ids[#ids] end
    if wasMovedBack then
      claimRewound(stream, section.consumer, ids)
    else
      claimNew(stream, section.consumer, ids, isGiven and 1 or 0)
    end
  end
end
for i, stream in ipairs(streams) do
  if lastOf[stream] then moveTo(i, lastOf[stream], countOf[stream]) end
end
local told = ARGV[6] ~= '' and redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100, '*', 'by', ARGV[6]) or ''
return {'routed', standsAt(), told, given}
