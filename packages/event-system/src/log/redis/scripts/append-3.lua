-- Appends events, but for those whose id was appended inside the deduplication window. All of them in one step: what can
-- fail (a key of another type, a full memory) fails at the latest at the first XADD, before anything is written.
-- Includes: long
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication
-- ARGV  1 the window in ms; 0 for none, then the events in rows, the payload of each
-- Returns {message ids, indexes (from 0) of those that were there already}, or the message id alone of one that was not

local window = tonumber(ARGV[1])

-- One event of which nothing is remembered, as usual. Before the functions that all else needs: to make them takes longer.
if #ARGV == 5 and window > 0 then
  local field, ending = ARGV[2], ARGV[3]
  local time = redis.call('TIME')
  local span = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / window)
  local current, last = KEYS[2 + span % 2], KEYS[2 + (span + 1) % 2]
  local here = redis.call('HMGET', current, '', field)
  local text = here[2] or ''
  -- Of an id that has no ending the text is its own, and '' is found in it.
  local isOfOthers = #text < LONG and not string.find(text, ending, 1, true)
  local isNew = (text == '' or isOfOthers) and not redis.call('HGET', last, field)
  if isNew and tonumber(here[1]) == span then
    local id = redis.call('XADD', KEYS[1], '*', 'event', ARGV[5])
    redis.call('HSET', current, field, text .. '1:' .. id .. ':' .. ending)
    return id
  end
end

-- Includes: append

local function add(i) return redis.call('XADD', KEYS[1], '*', 'event', ARGV[i]) end
local ids, duplicates = appendEvents({KEYS[1]}, KEYS[2], KEYS[3], window, 2, #ARGV, 1, add)
return {ids, duplicates}
