-- Gives the events of a partitioned log their ids, which grow in the order of the appends in all streams together. The
-- last one stands in the bell, a stream of one entry, for which readers wait.
--
-- What others add to the log's own stream gets its id from Redis. For it to be greater than those that were given before,
-- the stream is set behind them, to the last id of their millisecond.
-- Includes: fields, streams

local function ensureStream(stream)
  if redis.call('EXISTS', stream) == 1 then return end
  redis.call('XGROUP', 'CREATE', stream, '', '0', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', stream, '')
end

local function numbersOf(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

-- The millisecond of the next ids, and how many were given in it.
local function nextTurn(own, bell)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local last = redis.call('XREVRANGE', bell, '+', '-', 'COUNT', 1)[1]
  local bellMs, bellSequence = numbersOf(last and last[1] or '0-0')
  local ownMs, ownSequence = numbersOf(fieldsOf(redis.call('XINFO', 'STREAM', own))['last-generated-id'])
  local ms = math.max(now, bellMs, ownMs)
  -- Without the bell nobody knows how far its millisecond was used.
  if ms == ownMs and ownSequence >= FIRST_SEQUENCE and bellMs ~= ms then ms = ms + 1 end
  return ms, bellMs == ms and math.floor((bellSequence - FIRST_SEQUENCE) / MOST_STREAMS) + 1 or 0
end

-- Returns add(i), which appends the event whose arguments begin at i (see append.lua) and answers its message id, and
-- finish(), to be called behind the last.
local function appenderTo(streams, bell)
  local ms, turn, last
  local function add(i)
    local payload, number = ARGV[i + 1], ARGV[i + 2]
    if number == '' then return redis.call('XADD', streams[1], '*', 'event', payload) end
    if not ms then
      ensureStream(streams[1])
      ms, turn = nextTurn(streams[1], bell)
    end
    last = string.format('%.0f-%.0f', ms, FIRST_SEQUENCE + MOST_STREAMS * turn + number)
    turn = turn + 1
    return redis.call('XADD', streams[number + 1], last, 'event', payload)
  end
  local function finish()
    if not last then return end
    redis.call('XADD', bell, 'MAXLEN', '=', 1, last, 'to', '')
    redis.call('XSETID', streams[1], string.format('%.0f-', ms) .. LAST_SEQUENCE)
  end
  return add, finish
end
