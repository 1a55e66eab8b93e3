-- Appends events, each event id once in the deduplication window. In ARGV an event is three arguments: its id, its payload,
-- and its stream key ('' for none); a fourth says its type where each has a stream.
--
-- A rotation remembers event ids for the window. The text of an id is the place of its event: the message id and, where the
-- event has a stream key, a space and the version.
-- Includes: rotation, one-stream

local CHUNK = 1000 -- events; Lua's stack has room for about 8,000 values

-- What deduplication knows; nil without a window.
local function memoryOf(evenHash, oddHash, window)
  return window > 0 and rotationOf(evenHash, oddHash, window) or nil
end

-- Event id -> place, for those of the events from `first` to `last` that were appended inside the window.
local function knownPlaces(memory, first, last)
  local ids, known = {}, {}
  for i = first, last, WIDTH do ids[#ids + 1] = ARGV[i] end
  for id, place in pairs(recall(memory, ids)) do
    if memory.now - string.match(place, '^%d+') < memory.keep then known[id] = place end
  end
  return known
end

-- Whether all events from `first` to `last` were appended inside the window.
local function areAllKnown(memory, first, last)
  if not memory then return false end
  for from = first, last, CHUNK * WIDTH do
    local to = math.min(last, from + CHUNK * WIDTH - 1)
    local known = knownPlaces(memory, from, to)
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
    local known, fresh = memory and knownPlaces(memory, from, to) or {}, {}
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
