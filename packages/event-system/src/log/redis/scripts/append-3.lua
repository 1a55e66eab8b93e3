-- Appends events, but for those whose id was appended inside the deduplication window. All of them in one step: what can
-- fail (a key of another type, a full memory) fails at the latest at the first XADD, before anything is written.
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms; 0 for none, then the events in rows, the payload of each
-- Returns {message ids, or the first where each follows on the one before, indexes (from 0) of those that were there
-- already, the time in ms; without a window none}

-- Includes: long, seats

local window = tonumber(ARGV[1])
local stream, call = KEYS[1], redis.call
local add = appenderTo(stream)

-- One event of which nothing is remembered, as usual. Before the functions that all else needs: to make them takes longer.
if #ARGV == 5 and window > 0 then
  local field, ending = ARGV[2], ARGV[3]
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local span = math.floor(now / window)
  local current, last = KEYS[2 + span % 2], KEYS[2 + (span + 1) % 2]
  local here = call('HMGET', current, '', field)
  local text = here[2] or ''
  -- Of an id that has no ending the text is its own, and '' is found in it.
  local isOfOthers = #text < LONG and not string.find(text, ending, 1, true)
  local isNew = (text == '' or isOfOthers) and not call('HGET', last, field)
  if isNew and tonumber(here[1]) == span and not seatTakenBy(stream, field, ending, now - window) then
    local _, _, past = seatsOf({2}, now)
    local id = past and add(5, past) or add(5)
    call('HSET', current, field, text .. '1:' .. id .. ':' .. ending)
    return {id, {}, now}
  end
end

-- Includes: append

local ids, duplicates, now = appendEvents({stream}, KEYS[2], KEYS[3], window, 2, #ARGV, 1, add)
if #duplicates == 0 and isRun(ids[1], ids[#ids], #ids) then ids = ids[1] end
return {ids, duplicates, now}
