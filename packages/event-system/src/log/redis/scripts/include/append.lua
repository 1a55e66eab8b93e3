-- Appends events, each event id once in the deduplication window. In ARGV an event is three arguments: its id, its payload,
-- and its stream key ('' for none).
--
-- Two hashes remember event ids. The value of an id is the place of its event: the message id and, where the event has a
-- stream key, a space and the version. The field '' has the time at which the hash was begun, in ms. All writes go to the
-- hash that was begun last. When that hash is as old as the window, the other one has nothing of the window any more: it is
-- emptied, and takes the writes. So an id is kept for one to two windows, and a hash expires a window after its last write.

local WIDTH = 3
local CHUNK = 1000 -- events; Lua's stack has room for about 8,000 values

-- What deduplication knows; nil without a window.
local function memoryOf(evenHash, oddHash, window)
  if window == 0 then return nil end
  local time = redis.call('TIME')
  return {hashes = {evenHash, oddHash}, window = window, now = time[1] * 1000 + math.floor(time[2] / 1000)}
end

-- Event id -> place, for those of the events from `first` to `last` that were appended inside the window.
local function recall(memory, first, last)
  local fields, known = {''}, {}
  for i = first, last, WIDTH do fields[#fields + 1] = ARGV[i] end
  memory.begun = {}
  for n, hash in ipairs(memory.hashes) do
    local values = redis.call('HMGET', hash, unpack(fields))
    memory.begun[n] = tonumber(values[1]) or 0
    for i = 2, #fields do
      local place = values[i]
      if place and memory.now - string.match(place, '^%d+') < memory.window then known[fields[i]] = place end
    end
  end
  return known
end

-- `fresh`: event ids and places in turn. To be called behind recall().
local function remember(memory, fresh)
  if #fresh == 0 then return end
  local n = memory.begun[1] >= memory.begun[2] and 1 or 2
  if memory.now - memory.begun[n] >= memory.window then
    n = 3 - n
    redis.call('UNLINK', memory.hashes[n])
    redis.call('HSET', memory.hashes[n], '', memory.now)
  end
  redis.call('HSET', memory.hashes[n], unpack(fresh))
  redis.call('PEXPIRE', memory.hashes[n], memory.window)
end

-- Whether all events from `first` to `last` were appended inside the window.
local function areAllKnown(memory, first, last)
  if not memory then return false end
  for from = first, last, CHUNK * WIDTH do
    local to = math.min(last, from + CHUNK * WIDTH - 1)
    local known = recall(memory, from, to)
    for i = from, to, WIDTH do
      if not known[ARGV[i]] then return false end
    end
  end
  return true
end

-- Appends the events from `first` to `last`. add(i) appends the event whose arguments begin at i, and answers its place.
-- Returns the places of all events, and the indexes (from 0) of the duplicates.
local function appendEvents(memory, first, last, add)
  local places, duplicates = {}, {}
  for from = first, last, CHUNK * WIDTH do
    local to = math.min(last, from + CHUNK * WIDTH - 1)
    local known, fresh = memory and recall(memory, from, to) or {}, {}
    for i = from, to, WIDTH do
      local eventId = ARGV[i]
      local place = known[eventId]
      if place then
        duplicates[#duplicates + 1] = #places
      else
        place = add(i)
        if memory then
          known[eventId] = place
          fresh[#fresh + 1] = eventId
          fresh[#fresh + 1] = place
        end
      end
      places[#places + 1] = place
    end
    if memory then remember(memory, fresh) end
  end
  return places, duplicates
end
