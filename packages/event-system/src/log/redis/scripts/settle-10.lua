-- Settles deliveries, each whole or not at all: what can fail is looked at before anything is written, and a full memory
-- refuses the first write.
-- Includes: hold, kept, append, ledger
--
-- KEYS  1 the stream, 2, 3 the two hashes of deduplication, 4 the notes, 5 the amended payloads, 6 the attachments, 7 the
--       group's sharding, 8, 9 the two hashes of the ledger, 10 the stream of dead letters
-- ARGV  1 group, 2 the deduplication window in ms, 3 the ledger's retention in ms, then for each settlement:
--       consumer, shard and tenure ('' for none), message id, attempt, 'done', 'dead' or 'retry', letter or note,
--       how many effects, and for each: event id, step, how many arguments its events take, and its events;
--       how many entries to remember, and for each: event id, step, '1' with a value or '0', value
-- Returns for each settlement '' or the letter's id; false when the hold was lost. Where events of its effects were there
-- already: an array of that and, for each of these events, the number of its effects, its own in them, both from 0, and its
-- message id

local stream, notes, kept, letters, group = KEYS[1], KEYS[4], {KEYS[4], KEYS[5], KEYS[6]}, KEYS[10], ARGV[1]
local memory, retention = memoryOf(KEYS[2], KEYS[3], tonumber(ARGV[2])), tonumber(ARGV[3])

-- A key of another type fails here.
redis.call('XLEN', stream)
redis.call('XLEN', letters)
for i = 2, 7 do redis.call('HLEN', KEYS[i]) end
local ledger = ledgerAt(KEYS[8], KEYS[9], retention)

local at = 4
local function take()
  at = at + 1
  return ARGV[at - 1]
end

-- Adds to `repeated`, behind its first, those that were there already.
local function appendEffects(first, last, number, repeated)
  local places, duplicates = appendEvents(memory, first, last, function(i)
    return redis.call('XADD', stream, '*', 'event', ARGV[i + 1])
  end)
  for _, index in ipairs(duplicates) do
    local size = #repeated
    repeated[size + 1], repeated[size + 2], repeated[size + 3] = number, index, string.match(places[index + 1], '^%S+')
  end
end

local function takeEffects(counts, repeated)
  for number = 0, tonumber(take()) - 1 do
    local eventId, step, count = take(), take(), tonumber(take())
    if counts and remembered(ledger, eventId)[step] == nil then
      appendEffects(at, at + count - 1, number, repeated)
      remember(ledger, eventId, step, '')
    end
    at = at + count
  end
end

local function takeMemories(counts)
  for _ = 1, tonumber(take()) do
    local eventId, step, hasValue, value = take(), take(), take(), take()
    if counts then remember(ledger, eventId, step, hasValue == '1' and value or cjson.null) end
  end
end

local results = {}
while at <= #ARGV do
  local consumer, shard, tenure, id, attempt, outcome, text = take(), take(), take(), take(), take(), take(), take()
  local isTenant = tenure == '' or redis.call('HGET', KEYS[7], shard) == tenure
  local counts = held(stream, group, consumer, id, attempt) ~= nil and isTenant
  local result, repeated = '', {''}
  takeEffects(counts, repeated)
  takeMemories(counts)
  if not counts then
    result = false
  elseif outcome == 'retry' then
    redis.call('HSET', notes, id, text)
  else
    if outcome == 'dead' then result = redis.call('XADD', letters, '*', 'letter', text) end
    redis.call('XACK', stream, group, id)
    forgetTexts(kept, {id})
  end
  repeated[1] = result
  if #repeated > 1 then result = repeated end
  results[#results + 1] = result
end
return results
