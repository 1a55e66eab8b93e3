-- A UUID of version 7 (RFC 9562) has a seat in the log's own stream: the message id of its millisecond, whose sequence is made of
-- the 12 bits below it and of the first 16 bits of its last part. Who appends one event asks for its seat, by a bare XADD that
-- Redis refuses when the stream is past that (see seats.ts), and deduplication remembers nothing of it. It holds because the
-- seats are looked at here, and because no event is appended here without the stream being past its seat.

-- Nobody asks for a seat whose time is so far ahead, in ms.
local TOO_FAR_AHEAD = 100
local SEVEN = string.byte('7')
local LAST_FIELD = '=' -- Fields of ids that are no UUIDs begin with it, and those of UUIDs are less.

local function hasSeats(field) return string.byte(field, 15) == SEVEN and field < LAST_FIELD end

local function timeOf(field)
  return tonumber(string.sub(field, 1, 8) .. string.sub(field, 10, 13), 16)
end

-- The seat of the UUID of that field whose last part begins so.
local function seatOf(field, ending)
  return string.format('%.0f-%.0f', timeOf(field), tonumber(string.sub(field, 16, 18) .. string.sub(ending, 1, 4), 16))
end

-- Of the rows at these places in ARGV whose UUIDs have seats, and are less than `bound`: the least field, the greatest, and the
-- greatest ending there.
local function seatedRows(places, bound)
  local least, greatest, ending = bound, '', ''
  for _, at in ipairs(places) do
    local field = ARGV[at]
    if hasSeats(field) and field < bound then
      if field < least then least = field end
      if field > greatest then greatest, ending = field, '' end
      if field == greatest then
        local last = string.sub(ARGV[at + 1], -12)
        if last > ending then ending = last end
      end
    end
  end
  if greatest ~= '' then return least, greatest, ending end
end

-- Of the rows at these places whose seats somebody may ask for: the least field, the greatest, and the greatest seat when the
-- stream is to be put past it. Otherwise the time does that.
local function seatsOf(places, now)
  local least, greatest, ending = seatedRows(places, LAST_FIELD)
  if not least then return nil end
  local latest = now + TOO_FAR_AHEAD
  if timeOf(greatest) > latest then
    local bound = string.format('%08x-%04x', math.floor((latest + 1) / 65536), (latest + 1) % 65536)
    least, greatest, ending = seatedRows(places, bound)
    if not least then return nil end
  end
  return least, greatest, timeOf(greatest) >= now and seatOf(greatest, ending)
end

-- Whether an entry stands on one of the seats of these fields, or between them.
local function isAnySeated(stream, least, greatest)
  return #redis.call('XRANGE', stream, seatOf(least, '0000'), seatOf(greatest, 'ffff'), 'COUNT', 1) > 0
end

-- The seat of an event id, when that has one, and has been there since then.
local function seatTakenBy(stream, field, ending, since)
  if not hasSeats(field) or timeOf(field) <= since then return nil end
  local seat = seatOf(field, ending)
  local entry = redis.call('XRANGE', stream, seat, seat)[1]
  return entry and string.find(entry[2][2], field .. ending, 1, true) and seat
end

-- Returns add(i, id), which appends the payload in ARGV[i] to the log's own stream and answers its message id: without an id
-- any, with one that, or nil when the stream is past it.
local function appenderTo(stream)
  local call, pcall = redis.call, redis.pcall
  return function(i, id)
    if not id then return call('XADD', stream, '*', 'event', ARGV[i]) end
    local reply = pcall('XADD', stream, id, 'event', ARGV[i])
    return type(reply) == 'string' and reply or nil
  end
end
