-- Commits units in order, each whole or not at all. What can refuse a unit is looked at before any of it is written. A full
-- memory refuses the first write of the script, and no later one.
-- Includes: versions, lease, cursor, collection, hold, attachments
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key, 5 the leases, 6 the cursors, 7 the set
--       of indexes, then two for each collection: of a lasting one its hash and the sorted set of its ids, of an expiring one
--       its two hashes; then for each group its attachments (where each type has a stream, the stream too); then the indexes of
--       the stream keys of the entries; then the keys of openTypes
-- ARGV  1 the deduplication window in ms, 2 the consumer that nobody is, 3 how many collections, and for each how long
--       documents are kept in ms, '' for a lasting one, how many groups, and their names, how many stream keys the
--       entries have, and each of these, then the arguments of openTypes, then for each unit: how many fences, and for each:
--       lease, token;
--       entries to acknowledge, and for each: number of the group from 1, message id, consumer, attempt;
--       attachments, and for each: number of the group, message id, text, 'hold', consumer and attempt, or 'from', the text
--       that it must have and '';
--       entries to requeue, and for each: number of the group, message id, '1' with an attachment or '0', attachment;
--       moves of cursors, and for each: cursor, position, the position that it must have or '' for any;
--       expected versions, and for each: stream key, version;
--       entries, and for each: its event;
--       writes, and for each: number of the collection from 1, id, '1' with a value or '0' to remove it, value, the revision
--       that it must have or '' for any
-- Returns for each unit {places, indexes (from 0) of the duplicates, revisions}, or {part, index (from 0), reason}

local stream, leases, cursors = KEYS[1], KEYS[5], KEYS[6]

-- A key of another type fails here.
redis.call('XLEN', stream)
for i = 4, 6 do redis.call('HLEN', KEYS[i]) end
local memory, versions = memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[1])), versionsIn(KEYS[4], KEYS[7])
local nobody, collections, groups = ARGV[2], {}, {}
for n = 1, tonumber(ARGV[3]) do collections[n] = collectionIn(KEYS[6 + 2 * n], KEYS[7 + 2 * n], tonumber(ARGV[3 + n])) end

local function groupIn(keyAt, name)
  local attachments, itsStream = KEYS[keyAt], streamOfGroup(stream, keyAt)
  redis.call('HLEN', attachments)
  return {name = name, stream = itsStream, isThere = hasGroup(itsStream, name), attachments = attachments}
end

local at = 4 + #collections
local firstOfGroups = 8 + 2 * #collections
for n = 1, tonumber(ARGV[at]) do groups[n] = groupIn(firstOfGroups + KEYS_OF_GROUP * (n - 1), ARGV[at + n]) end
at = at + 1 + #groups
local firstIndex, indexes = firstOfGroups + KEYS_OF_GROUP * #groups, tonumber(ARGV[at])
openStreams(versions, indexes, at + 1, firstIndex)
at = openTypes(firstIndex + indexes, at + 1 + indexes)

-- A part of a unit: where its arguments begin and end, and how many each of its members takes.
local function takePart(width)
  local part = {first = at + 1, last = at + width * ARGV[at], width = width}
  at = part.last + 1
  return part
end

-- The first refusal by a member of a part: refuses(i) looks at the one whose arguments begin at i, and answers a reason or nil.
local function firstRefusal(name, part, refuses)
  for i = part.first, part.last, part.width do
    local reason = refuses(i)
    if reason then return {name, (i - part.first) / part.width, reason} end
  end
  return nil
end

local function fenceRefuses(i)
  return not isHeldUnder(leases, ARGV[i], ARGV[i + 1]) and 'fenced' or nil
end

local function groupAt(i)
  return groups[tonumber(ARGV[i])]
end

local function acknowledgementRefuses(i)
  local group = groupAt(i)
  local isHeld = group.isThere and held(group.stream, group.name, ARGV[i + 2], ARGV[i + 1], ARGV[i + 3])
  return not isHeld and 'hold_lost' or nil
end

local function attachmentRefuses(i)
  local group, id = groupAt(i), ARGV[i + 1]
  if ARGV[i + 3] == 'hold' then
    local isHeld = group.isThere and held(group.stream, group.name, ARGV[i + 4], id, ARGV[i + 5])
    return not isHeld and 'hold_lost' or nil
  end
  local isPending = group.isThere and #redis.call('XPENDING', group.stream, group.name, id, id, 1) == 1
  return not (isPending and redis.call('HGET', group.attachments, id) == ARGV[i + 4]) and 'conflict' or nil
end

local function requeueRefuses(i)
  local group = groupAt(i)
  if not group.isThere then return 'not_found' end
  return #redis.call('XRANGE', group.stream, ARGV[i + 1], ARGV[i + 1]) == 0 and 'entry_trimmed' or nil
end

local function moveRefuses(i)
  local position = cursorOf(cursors, ARGV[i])
  if not position then return 'not_found' end
  return ARGV[i + 2] ~= '' and ARGV[i + 2] ~= position and 'conflict' or nil
end

local function writeRefuses(i)
  local expected = ARGV[i + 4]
  return expected ~= '' and expected ~= revisionOf(collections[tonumber(ARGV[i])], ARGV[i + 1]) and 'conflict' or nil
end

local function versionRefusal(expected, entries)
  local wrong = wrongVersion(versions, memory, expected.first, expected.last, entries.first, entries.last)
  return wrong and {'append', wrong, 'version_conflict'} or nil
end

-- The revision of each write: that of its collection once it has taken place.
local function revise(writes)
  local revisions = {}
  for i = writes.first, writes.last, writes.width do
    local collection, id, hasValue = collections[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2] == '1'
    local changes = hasValue or revisionOf(collection, id) ~= '0'
    revisions[#revisions + 1] = changes and nextRevision(collection) or lastRevision(collection)
  end
  return revisions
end

local function each(part, take)
  for i = part.first, part.last, part.width do take(i) end
end

local function move(i)
  local _, guards = cursorOf(cursors, ARGV[i])
  putCursor(cursors, ARGV[i], ARGV[i + 1], guards)
end

local function attach(i)
  redis.call('HSET', groupAt(i).attachments, ARGV[i + 1], ARGV[i + 2])
end

local function eachWrite(writes, revisions, take)
  local n = 0
  for i = writes.first, writes.last, writes.width do
    n = n + 1
    local value = ARGV[i + 2] == '1' and ARGV[i + 3] or nil
    take(collections[tonumber(ARGV[i])], ARGV[i + 1], value, revisions[n])
  end
end

-- Nobody holds the entry until somebody claims it.
local function requeue(i)
  local group, id = groupAt(i), ARGV[i + 1]
  if ARGV[i + 2] == '1' then redis.call('HSET', group.attachments, id, ARGV[i + 3]) end
  redis.call('XCLAIM', group.stream, group.name, nobody, 0, id, 'IDLE', 0, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
end

local function forgetOfRequeued(i)
  if ARGV[i + 2] ~= '1' then forgetAttachments(groupAt(i).attachments, {ARGV[i + 1]}) end
end

local function acknowledge(i)
  local group, id = groupAt(i), ARGV[i + 1]
  redis.call('XACK', group.stream, group.name, id)
  forgetAttachments(group.attachments, {id})
end

local function commit(unit)
  local revisions = revise(unit.writes)
  local places, duplicates = appendCounted(stream, versions, memory, unit.entries.first, unit.entries.last)
  each(unit.moves, move)
  eachWrite(unit.writes, revisions, put)
  each(unit.attachments, attach)
  each(unit.requeues, requeue)
  -- A full memory does not refuse those that only remove.
  each(unit.requeues, forgetOfRequeued)
  each(unit.acknowledgements, acknowledge)
  eachWrite(unit.writes, revisions, remove)
  return {places, duplicates, revisions}
end

local function takeUnit()
  local unit = {fences = takePart(2), acknowledgements = takePart(4), attachments = takePart(6), requeues = takePart(4)}
  unit.moves, unit.expected, unit.entries, unit.writes = takePart(3), takePart(2), takePart(WIDTH), takePart(5)
  return unit
end

local results = {}
while at <= #ARGV do
  local unit = takeUnit()
  results[#results + 1] = firstRefusal('fence', unit.fences, fenceRefuses)
    or firstRefusal('acknowledge', unit.acknowledgements, acknowledgementRefuses)
    or firstRefusal('attach', unit.attachments, attachmentRefuses)
    or firstRefusal('requeue', unit.requeues, requeueRefuses)
    or firstRefusal('cursors', unit.moves, moveRefuses)
    or versionRefusal(unit.expected, unit.entries)
    or firstRefusal('write', unit.writes, writeRefuses)
    or commit(unit)
end
return results
