-- The entries of a log with a stream for each event type. It stands in the place of `one-stream`.
-- Includes: order, fields
--
-- Partition 0 is the plain stream, in which others write. The list of types is a stream: its entry n-0 has the `type` of partition
-- n, and `first`, the id of the first entry in it. A type gets the next number with its first event. Ids follow the clock, also
-- behind a loss of the newest data: a position that was given before has passed nothing of the type that takes a lost number.
--
-- The ids of all types grow together, so that the order of ids is the order in which events were appended. A hash has
-- the last one, in the field `id`.

local WIDTH = 4 -- arguments of an event: the 4th is the number of its type among those that the call names
local KEYS_OF_GROUP = 2 -- of a group that a unit names: its attachments, and the stream

local plain, list, lastNumber, types, streamOf = nil, nil, 0, {}, {}
local ids = nil

-- The types that are in the list behind what the caller knows of it, or all where it knows another list.
-- Returns type -> number, and whether the caller knows this list.
local function newTypes(known, first)
  local rows = redis.call('XRANGE', list, known .. '-0', '+')
  local isKnown = known == '0' or (rows[1] and rows[1][1] == known .. '-0' and fieldsOf(rows[1][2]).first == first)
  if not isKnown then rows = redis.call('XRANGE', list, '-', '+') end
  local numbers = {}
  for _, row in ipairs(rows) do
    lastNumber = tonumber(string.match(row[1], '^%d+'))
    numbers[fieldsOf(row[2]).type] = lastNumber
  end
  return numbers, isKnown
end

-- KEYS from `keyAt` on: the list of types, the last id, the streams of the types of the events. ARGV from `at` on: the number of
-- the last type that the caller knows, 0 for none, the id of its first entry, how many types, and for each its name and its
-- number, 0 where the caller does not know it. Returns where the arguments behind those begin.
local function openTypes(keyAt, at)
  plain, list = KEYS[1], KEYS[keyAt]
  local count = tonumber(ARGV[at + 2])
  if count == 0 then return at + 3 end
  ids = {key = KEYS[keyAt + 1]}
  ids.last = redis.call('HGET', ids.key, 'id') or '0-0' -- A key of another type fails here.
  local numbers, isKnown = newTypes(ARGV[at], ARGV[at + 1])
  for n = 1, count do
    local stream, name, told = KEYS[keyAt + 1 + n], ARGV[at + 1 + 2 * n], ARGV[at + 2 + 2 * n]
    redis.call('XLEN', stream) -- A key of another type fails here.
    local number = numbers[name] or (isKnown and told ~= '0' and tonumber(told)) or nil
    types[n] = {stream = stream, name = name, number = number}
    if number then streamOf[number] = stream end
  end
  return at + 3 + 2 * count
end

local function streamOfGroup(_, keyAt) return KEYS[keyAt + 1] end

-- The next id: of this millisecond, or behind the last one.
local function nextId()
  if not ids.ms then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local ms, sequence = string.match(ids.last, '^(%d+)-(%d+)$')
    ids.ms, ids.sequence = tonumber(ms), tonumber(sequence)
    if now > ids.ms then ids.ms, ids.sequence = now, -1 end
    ids.prefix = string.format('%.0f-', ids.ms)
  end
  ids.sequence = ids.sequence + 1
  ids.isUsed = true
  return ids.prefix .. string.format('%.0f', ids.sequence)
end

-- Adds a type to the list, behind its first entry. Every group of the log has it from its first entry on.
local function addType(entry, id)
  lastNumber = lastNumber + 1
  entry.number = lastNumber
  streamOf[lastNumber] = entry.stream
  redis.call('XADD', list, lastNumber .. '-0', 'type', entry.name, 'first', id)
  local groups = redis.call('EXISTS', plain) == 1 and redis.call('XINFO', 'GROUPS', plain) or {}
  for _, reply in ipairs(groups) do redis.pcall('XGROUP', 'CREATE', entry.stream, fieldsOf(reply).name, '0') end
end

-- Appends the event whose arguments begin at i. Returns its message id.
local function addEvent(_, i)
  local entry = types[tonumber(ARGV[i + 3])]
  local id = redis.call('XADD', entry.stream, nextId(), 'event', ARGV[i + 1])
  if not entry.number then addType(entry, id) end
  return id .. '.' .. entry.number
end

-- Keeps the last id: behind the events, since a full memory refuses the first write alone.
local function keepIds()
  if ids and ids.isUsed then redis.call('HSET', ids.key, 'id', ids.prefix .. string.format('%.0f', ids.sequence)) end
end

-- The streams of all partitions from 1 on, in KEYS from `keyAt` on.
local function openPartitions(keyAt)
  for i = keyAt, #KEYS do streamOf[i - keyAt + 1] = KEYS[i] end
end

-- Where the partitions begin, each looked at when it is asked for.
local function oldestIn(stream)
  streamOf[0] = stream
  local known = {}
  return function(number)
    if not streamOf[number] then return '0-0' end
    if known[number] == nil then
      local entry = redis.call('XRANGE', streamOf[number], '-', '+', 'COUNT', 1)[1]
      known[number] = entry and entry[1] or false
    end
    return known[number]
  end
end

-- Whether the event of an entry of an index stood before that. Nothing is known of a partition that the call does not name.
local function isGone(entry, oldest)
  local id, number = string.match(entry, ' (%d+%-%d+)%.?(%d*)$')
  local first = oldest(tonumber(number) or 0)
  return not first or precedes(id, first)
end
