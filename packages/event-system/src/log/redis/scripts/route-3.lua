-- Hands the next entries of a group to their shards: each shard's pending list is that of a consumer of its own. One
-- step, which takes place only when the group stands where the caller thinks that it does: of two that route the same
-- entries, one does.
-- Includes: order, fields
--
-- KEYS  1 the stream, 2 the group's sharding, 3 the stream of what was routed
-- ARGV  1 group, 2 the id that the caller thinks it has behind it, 3 the id that it has behind it then, 4 how many entries
--       may be pending of one shard, 5 the consumer that nobody is, 6 who routes, '' when nobody else is to know, 7 the
--       consumer that holds what is delayed, then
--       for each shard: its consumer, shard, the caller's tenure of it ('' when it has none), the last id that the
--       caller has of it, how many, and the message ids
-- Returns {'routed', the id that the group has behind it, what was told to others, shards whose entries the caller has
-- been given, as delivered once: those where it has all that came before}, or {'moved', that id}, {'leftovers', that id}
-- when what nobody holds is to be routed first, {'full', that id} when a shard has too much pending, or
-- a consumer that is no shard has older entries, which come first once it is known to be dead

local stream, group, expected = KEYS[1], ARGV[1], ARGV[2]
local info = groupInfo(stream, group)
if not info then return redis.error_reply('NOGROUP There is no consumer group ' .. group .. ' in ' .. stream) end
local delivered = info['last-delivered-id']
if delivered ~= expected then return {'moved', delivered} end

local summary = redis.call('XPENDING', stream, group)
local pending = {}
for _, consumer in ipairs(summary[4] or {}) do pending[consumer[1]] = tonumber(consumer[2]) end
if pending[ARGV[5]] then return {'leftovers', delivered} end
for consumer in pairs(pending) do
  if consumer ~= ARGV[7] and not string.match(consumer, '^%(shard%-%d+%)$') then return {'full', delivered} end
end

local sections = {}
local at = 8
while at <= #ARGV do
  local count = tonumber(ARGV[at + 4])
  local section = {consumer = ARGV[at], shard = ARGV[at + 1], tenure = ARGV[at + 2], last = ARGV[at + 3], ids = {}}
  for i = at + 5, at + 4 + count do section.ids[#section.ids + 1] = ARGV[i] end
  if (pending[section.consumer] or 0) >= tonumber(ARGV[4]) then return {'full', delivered} end
  sections[#sections + 1] = section
  at = at + 5 + count
end

-- How many entries the stream had when the last of these was appended: from that Redis knows the lag. Nil when XDEL has
-- made holes that it cannot count.
local function entriesRead(count)
  local log = fieldsOf(redis.call('XINFO', 'STREAM', stream))
  if log['last-generated-id'] == ARGV[3] then return log['entries-added'] end
  if precedes(delivered, log['max-deleted-entry-id']) then return nil end
  if precedes(delivered, log['recorded-first-entry-id']) then return log['entries-added'] - log.length + count end
  return info['entries-read'] and info['entries-read'] + count
end

-- A group that was moved back has entries before it that are pending still. Those that a shard has stay as they are.
local isRewound = summary[1] > 0 and precedes(delivered, summary[3])
local function claimRewound(section)
  for _, id in ipairs(section.ids) do
    local row = redis.call('XPENDING', stream, group, id, id, 1)[1]
    if not row or not string.match(row[2], '^%(shard%-%d+%)$') then
      local deliveries = row and row[4] or 0
      redis.call('XCLAIM', stream, group, section.consumer, 0, id, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID')
    end
  end
end

local given, count = {}, 0
for _, section in ipairs(sections) do
  count = count + #section.ids
  if isRewound then
    claimRewound(section)
  else
    local isGiven = section.tenure ~= ''
      and redis.call('HGET', KEYS[2], section.shard) == section.tenure
      and #redis.call('XPENDING', stream, group, '(' .. section.last, '+', 1, section.consumer) == 0
    if isGiven then given[#given + 1] = section.shard end
    local args = {'XCLAIM', stream, group, section.consumer, 0}
    for _, id in ipairs(section.ids) do args[#args + 1] = id end
    for _, arg in ipairs({'RETRYCOUNT', isGiven and 1 or 0, 'FORCE', 'JUSTID'}) do args[#args + 1] = arg end
    redis.call(unpack(args))
  end
end

local read = entriesRead(count)
if read then
  redis.call('XGROUP', 'SETID', stream, group, ARGV[3], 'ENTRIESREAD', string.format('%.0f', read))
else
  redis.call('XGROUP', 'SETID', stream, group, ARGV[3])
end
local told = ARGV[6] ~= '' and redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100, '*', 'by', ARGV[6]) or ''
return {'routed', ARGV[3], told, given}
