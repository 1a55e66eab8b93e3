-- Hands the next entries of a group to their shards: each shard's pending list is that of a consumer of its own. One
-- step, which takes place only when the group stands where the caller thinks that it does: of two that route the same
-- entries, one does.
-- Includes: order, fields, pending
--
-- KEYS  1 the stream, 2 the group's sharding, 3 the stream of what was routed
-- ARGV  1 group, 2 the message id where the caller thinks that it stands, 3 how many entries may be pending of one shard,
--       4 the consumer that nobody is, 5 who routes, '' when nobody else is to know, 6 the consumer that holds what is
--       delayed, then
--       for each shard: its consumer, shard, the caller's tenure of it ('' when it has none), the last id that the
--       caller has of it, how many, and the message ids
-- Returns {'routed', where the group stands then, what was told to others, shards whose entries the caller has been
-- given, as delivered once: those where it has all that came before}, or where the group stands behind 'moved';
-- 'leftovers' when what nobody holds is to be routed first; 'full' when a shard has too much pending, or a consumer that
-- is no shard has older entries, which come first once it is known to be dead

local stream, group = KEYS[1], ARGV[1]
local info = groupInfo(stream, group)
if not info then return redis.error_reply('NOGROUP There is no consumer group ' .. group .. ' in ' .. stream) end
local delivered = info['last-delivered-id']
if delivered ~= ARGV[2] then return {'moved', delivered} end

local total, pending = pendingSummary(stream, group)
if pending[ARGV[4]] then return {'leftovers', delivered} end
for consumer in pairs(pending) do
  if consumer ~= ARGV[6] and not string.match(consumer, '^%(shard%-%d+%)$') then return {'full', delivered} end
end

local sections = {}
local at = 7
while at <= #ARGV do
  local count = tonumber(ARGV[at + 4])
  local section = {consumer = ARGV[at], shard = ARGV[at + 1], tenure = ARGV[at + 2], last = ARGV[at + 3], ids = {}}
  for i = at + 5, at + 4 + count do section.ids[#section.ids + 1] = ARGV[i] end
  if (pending[section.consumer] or 0) >= tonumber(ARGV[3]) then return {'full', delivered} end
  sections[#sections + 1] = section
  at = at + 5 + count
end

-- How many entries the stream had when the last of these was appended: from that Redis knows the lag. Nil when XDEL has
-- made holes that it cannot count.
local function entriesRead(last, count)
  local log = fieldsOf(redis.call('XINFO', 'STREAM', stream))
  if log['last-generated-id'] == last then return log['entries-added'] end
  if precedes(delivered, log['max-deleted-entry-id']) then return nil end
  if precedes(delivered, log['recorded-first-entry-id']) then return log['entries-added'] - log.length + count end
  return info['entries-read'] and info['entries-read'] + count
end

-- A group that was moved back has entries before it that are pending still. Those that a shard has stay as they are.
local function claimRewound(consumer, ids)
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
  return #redis.call('XPENDING', stream, group, '(' .. section.last, '+', 1, section.consumer) == 0
end

local function claimNew(consumer, ids, deliveries)
  local args = {'XCLAIM', stream, group, consumer, 0}
  for _, id in ipairs(ids) do args[#args + 1] = id end
  for _, arg in ipairs({'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID'}) do args[#args + 1] = arg end
  redis.call(unpack(args))
end

-- Whether the group was moved back to before what is pending.
local newestPending = total > 0 and redis.call('XPENDING', stream, group)[3]
local wasMovedBack = newestPending and precedes(delivered, newestPending)

local given, count, last = {}, 0, nil
for _, section in ipairs(sections) do
  local ids, isGiven = section.ids, not wasMovedBack and isGivenToCaller(section)
  if isGiven then given[#given + 1] = section.shard end
  count = count + #ids
  if not last or precedes(last, ids[#ids]) then last = ids[#ids] end
  if wasMovedBack then
    claimRewound(section.consumer, ids)
  else
    claimNew(section.consumer, ids, isGiven and 1 or 0)
  end
end
if last then
  local read = entriesRead(last, count)
  local entries = read and {'ENTRIESREAD', string.format('%.0f', read)} or {}
  redis.call('XGROUP', 'SETID', stream, group, last, unpack(entries))
end
local told = ARGV[5] ~= '' and redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100, '*', 'by', ARGV[5]) or ''
return {'routed', last or delivered, told, given}
