-- Commits units in order, each whole or not at all. What can refuse a unit is looked at before any of it is written. A full
-- memory refuses the first write of the script, and no later one.
-- Includes: versions, lease, cursor, collection
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the versions by stream key, 5 the leases, 6 the cursors, then two
--       for each collection: of a lasting one its hash and the sorted set of its ids, of an expiring one its two hashes
-- ARGV  1 the deduplication window in ms, 2 how many collections, and for each how long documents are kept in ms, '' for a
--       lasting one, then for each unit: how many
--       fences, and for each: lease, token;
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
local memory, versions = memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[1])), versionsIn(KEYS[4])
local collections = {}
for n = 1, tonumber(ARGV[2]) do collections[n] = collectionIn(KEYS[5 + 2 * n], KEYS[6 + 2 * n], tonumber(ARGV[2 + n])) end

local at = 3 + #collections

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
  local token, _, holder = parsedLease(redis.call('HGET', leases, ARGV[i]) or '')
  return (token ~= ARGV[i + 1] or holder == '') and 'fenced' or nil
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

local function eachWrite(writes, revisions, take)
  local n = 0
  for i = writes.first, writes.last, writes.width do
    n = n + 1
    local value = ARGV[i + 2] == '1' and ARGV[i + 3] or nil
    take(collections[tonumber(ARGV[i])], ARGV[i + 1], value, revisions[n])
  end
end

local function commit(moves, entries, writes)
  local revisions = revise(writes)
  local places, duplicates = appendCounted(stream, versions, memory, entries.first, entries.last)
  for i = moves.first, moves.last, moves.width do
    local _, guards = cursorOf(cursors, ARGV[i])
    putCursor(cursors, ARGV[i], ARGV[i + 1], guards)
  end
  eachWrite(writes, revisions, put)
  eachWrite(writes, revisions, remove)
  return {places, duplicates, revisions}
end

local results = {}
while at <= #ARGV do
  local fences, moves, expected, entries, writes = takePart(2), takePart(3), takePart(2), takePart(WIDTH), takePart(5)
  results[#results + 1] = firstRefusal('fence', fences, fenceRefuses)
    or firstRefusal('cursors', moves, moveRefuses)
    or versionRefusal(expected, entries)
    or firstRefusal('write', writes, writeRefuses)
    or commit(moves, entries, writes)
end
return results
