-- A group's ledger: two hashes, event id -> JSON of step -> value, null for one that has begun. Time is cut into spans
-- as long as the retention, and spans use the two in turn. The field '' says which span it is; a hash ends by itself
-- when the span after its own does, so that what it holds was kept for one to two times the retention.

local function ledgerAt(evenHash, oddHash, retention)
  local time = redis.call('TIME')
  local span = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / retention)
  local ledger = {span = span, retention = retention, current = evenHash, last = oddHash}
  if span % 2 == 1 then ledger.current, ledger.last = oddHash, evenHash end
  ledger.isCurrent = tonumber(redis.call('HGET', ledger.current, '')) == span
  ledger.isLast = tonumber(redis.call('HGET', ledger.last, '')) == span - 1
  return ledger
end

local function stepsIn(hash, eventId)
  local json = redis.call('HGET', hash, eventId)
  return json and cjson.decode(json) or {}
end

-- Step -> value, cjson.null for one that has begun.
local function remembered(ledger, eventId)
  local steps = ledger.isLast and stepsIn(ledger.last, eventId) or {}
  if ledger.isCurrent then
    for step, value in pairs(stepsIn(ledger.current, eventId)) do steps[step] = value end
  end
  return steps
end

local function remember(ledger, eventId, step, value)
  if not ledger.isCurrent then
    redis.call('UNLINK', ledger.current)
    redis.call('HSET', ledger.current, '', ledger.span)
    redis.call('PEXPIREAT', ledger.current, string.format('%.0f', (ledger.span + 2) * ledger.retention))
    ledger.isCurrent = true
  end
  local steps = stepsIn(ledger.current, eventId)
  steps[step] = value
  redis.call('HSET', ledger.current, eventId, cjson.encode(steps))
end

local function forgetIn(hash, eventId, step)
  local steps = stepsIn(hash, eventId)
  if steps[step] == nil then return false end
  steps[step] = nil
  if next(steps) == nil then
    redis.call('HDEL', hash, eventId)
  else
    redis.call('HSET', hash, eventId, cjson.encode(steps))
  end
  return true
end
