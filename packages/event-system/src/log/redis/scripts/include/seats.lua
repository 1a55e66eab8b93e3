-- A UUID of version 7 (RFC 9562) has a seat in the log's own stream: the message id of its millisecond, whose sequence is made of
-- the 12 bits below it and of the first 16 bits of its last part. Who appends one event asks for its seat, by a bare XADD that
-- Redis refuses when the stream is past that (see seats.ts), and deduplication remembers nothing of it. It holds because the
-- seats are looked at here, and because no event is appended here without the stream being past its seat.

-- Nobody asks for a seat whose time is so far ahead, in ms.
local TOO_FAR_AHEAD = 100
local SEVEN = string.byte('7')

-- As the UUIDs of a millisecond begin.
local function beginningAt(ms)
  return string.format('%08x-%04x', math.floor(ms / 65536), ms % 65536)
end

local function timeOf(field)
  return tonumber(string.sub(field, 1, 8) .. string.sub(field, 10, 13), 16)
end

-- The seat of the UUID of that field whose last part begins so.
local function seatOf(field, ending)
  return string.format('%.0f-%.0f', timeOf(field), tonumber(string.sub(field, 16, 18) .. string.sub(ending, 1, 4), 16))
end

-- Of the rows at these places in ARGV whose seats somebody may have asked for within the window: the least field and the
-- greatest, and the greatest of the seats.
local function seatsOf(places, now, window)
  local oldest, newest = beginningAt(now - window + 1), beginningAt(now + TOO_FAR_AHEAD + 1)
  local least, greatest, ending
  for _, at in ipairs(places) do
    local field = ARGV[at]
    if string.byte(field, 15) == SEVEN and field > oldest and field < newest then
      local last = string.sub(ARGV[at + 1], -12)
      if not least or field < least then least = field end
      if not greatest or field .. last > greatest .. ending then greatest, ending = field, last end
    end
  end
  return least, greatest, least and seatOf(greatest, ending)
end

-- Whether an entry stands on one of the seats of these fields, or between them.
local function isAnySeated(stream, least, greatest)
  return #redis.call('XRANGE', stream, seatOf(least, '0000'), seatOf(greatest, 'ffff'), 'COUNT', 1) > 0
end

-- The seat of a UUID, when it is there.
local function seatTakenBy(stream, field, ending)
  local seat = seatOf(field, ending)
  local entry = redis.call('XRANGE', stream, seat, seat)[1]
  return entry and string.find(entry[2][2], field .. ending, 1, true) and seat
end

-- Adds an entry with that message id, or '*'. Nil when the stream is past it.
local function addTo(stream, id, payload)
  if id == '*' then return redis.call('XADD', stream, id, 'event', payload) end
  local reply = redis.pcall('XADD', stream, id, 'event', payload)
  return type(reply) == 'string' and reply or nil
end
