-- Appends events, but for those whose id was appended inside the deduplication window.
--
-- Two hashes, event id -> message id: time is cut into spans as long as the window, and spans use the two in turn, so
-- that an id of the window stands in this span's or the last one's. The field '' says which span it is.

local CHUNK = 1000 -- Lua's stack holds some 8,000 arguments

-- Of a hash that is left over from an older span nothing counts: puts what counts into `seen`, event id -> message id.
local function look(hash, ofSpan, fields, now, window, seen)
  local found = redis.call('HMGET', hash, unpack(fields))
  if tonumber(found[1]) ~= ofSpan then return false end
  for i = 2, #fields do
    local id = found[i]
    if id and now - tonumber(string.match(id, '^%d+')) < window then seen[fields[i]] = id end
  end
  return true
end

-- Now, its span, and the hashes of this span and the last one.
local function spansOf(evenHash, oddHash, window)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local span = math.floor(now / window)
  if span % 2 == 1 then return now, span, oddHash, evenHash end
  return now, span, evenHash, oddHash
end

-- first, last: where the events stand in ARGV, each with `width` arguments, the first of which is its id. add(i) appends
-- the event whose arguments begin at i, and answers its message id. Returns the message ids and, from 0, the indexes of
-- those that were there already.
local function appendEvents(evenHash, oddHash, window, first, last, width, add)
  local ids, duplicates = {}, {}
  if window == 0 then
    for i = first, last, width do ids[#ids + 1] = add(i) end
    return ids, duplicates
  end

  local now, span, current, before = spansOf(evenHash, oddHash, window)
  local seen = {}
  for from = first, last, width * CHUNK do
    local to = math.min(from + width * (CHUNK - 1), last)
    local fields, fresh = {''}, {}
    for i = from, to, width do fields[#fields + 1] = ARGV[i] end
    look(before, span - 1, fields, now, window, seen)
    local isThisSpan = look(current, span, fields, now, window, seen)
    for i = from, to, width do
      local eventId = ARGV[i]
      local id = seen[eventId]
      if id then
        duplicates[#duplicates + 1] = (i - first) / width
      else
        id = add(i)
        seen[eventId] = id
        fresh[#fresh + 1] = eventId
        fresh[#fresh + 1] = id
      end
      ids[#ids + 1] = id
    end
    if #fresh > 0 then
      if not isThisSpan then
        redis.call('UNLINK', current)
        redis.call('HSET', current, '', span)
        redis.call('PEXPIRE', current, 2 * window)
      end
      redis.call('HSET', current, unpack(fresh))
    end
  end
  return ids, duplicates
end
