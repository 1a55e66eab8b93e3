-- Appends events, but for those whose id was appended inside the deduplication window.
--
-- The events stand in ARGV in rows: the field of their ids, the last 12 characters of each one after the other, in
-- growing order, or '' where the field is that of one id, how many they are, and then the arguments of each.
-- Includes: remembered

local CHUNK = 1000 -- Lua's stack holds some 8,000 arguments

-- Now, its span, and the hashes of this span and the last one.
local function spansOf(evenHash, oddHash, window)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local span = math.floor(now / window)
  if span % 2 == 1 then return now, span, oddHash, evenHash end
  return now, span, evenHash, oddHash
end

-- Up to a thousand of the rows from `at` to `last`: '' and their fields, where they begin, and where the next one would.
local function rowsFrom(at, last, width)
  local fields, places, count = {''}, {}, 0
  while at <= last and count < CHUNK do
    count = count + 1
    fields[count + 1] = ARGV[at]
    places[count] = at
    at = at + 3 + width * ARGV[at + 2]
  end
  return fields, places, at
end

-- Calls back with where the arguments of each event begin.
local function eachEvent(at, last, width, callback)
  while at <= last do
    local count = ARGV[at + 2]
    for k = 0, count - 1 do callback(at + 3 + width * k) end
    at = at + 3 + width * count
  end
end

-- What stands in a hash under fields of which the first is '', and whether it is of that span: of an older one nothing counts.
local function textsOf(hash, ofSpan, fields)
  local texts = redis.call('HMGET', hash, unpack(fields))
  if tonumber(texts[1]) == ofSpan then return texts, true end
  return {}, false
end

-- Whether so many message ids, which grow, follow one on the other.
local function isRun(first, last, count)
  local ms, sequence = string.match(first, '^(%d+)-(%d+)$')
  return ms and #sequence < 16 and last == string.format('%s-%.0f', ms, sequence + count - 1)
end

-- The records of ids that were appended in a row, of which none was there before: the last `count`.
local function recordsOf(endings, ids, count)
  local last, first = ids[#ids], ids[#ids - count + 1]
  if count == 1 then return '1:' .. first .. ':' .. endings end
  if isRun(first, last, count) then return count .. ':' .. first .. ':' .. endings end
  local records = {}
  for i = 1, count do
    records[i] = '1:' .. ids[#ids - count + i] .. ':' .. string.sub(endings, 12 * i - 11, 12 * i)
  end
  return table.concat(records)
end

-- streams: those of the log. first, last: where the rows stand in ARGV, in which each event has `width` arguments. add(i)
-- appends the event whose arguments begin at i, and answers its message id. Returns the message ids and the indexes (from 0)
-- of those that were there already.
local function appendEvents(streams, evenHash, oddHash, window, first, last, width, add)
  local ids, duplicates, total = {}, {}, 0
  local now, span, current, before
  if window > 0 then now, span, current, before = spansOf(evenHash, oddHash, window) end

  while first <= last do
    local fields, places, next = rowsFrom(first, last, width)
    local old, here, isThisSpan, given, kept, fresh = {}, {}, true, nil, {}, {}
    if window > 0 then
      old = textsOf(before, span - 1, fields)
      here, isThisSpan = textsOf(current, span, fields)
      given = not isThisSpan and givenTo(streams)
    end

    local function write()
      if #fresh == 0 then return end
      if not isThisSpan then beginSpan(current, span, given, window) end
      isThisSpan = true
      redis.call('HSET', current, unpack(fresh))
      fresh = {}
    end

    local function keep(field, text)
      kept[field] = text
      local size = #fresh
      fresh[size + 1] = field
      fresh[size + 2] = text
      if size >= 2 * CHUNK then write() end
    end

    -- Events of a row of which some may have been there before.
    local function addNew(row, field, endings, count)
      for k = 0, count - 1 do
        local text, ending = kept[field] or here[row + 1], string.sub(endings, 12 * k + 1, 12 * k + 12)
        local own = text and #text >= LONG and ending ~= '' and '=' .. field .. ending
        local id = own and kept[own] and recordIn(kept[own], '', now, window)
          or rememberedIn(current, text, field, ending, now, window)
          or rememberedIn(before, old[row + 1], field, ending, now, window)
        if id then
          duplicates[#duplicates + 1] = total
        else
          id = add(places[row] + 3 + width * k)
          if own then
            keep(own, '1:' .. id .. ':')
          else
            keep(field, (text or '') .. '1:' .. id .. ':' .. ending)
          end
        end
        total = total + 1
        ids[total] = id
      end
    end

    for row, at in ipairs(places) do
      local field, endings, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
      if kept[field] or here[row + 1] or old[row + 1] then
        addNew(row, field, endings, count)
      else
        for k = 0, count - 1 do ids[total + 1 + k] = add(at + 3 + width * k) end
        total = total + count
        if window > 0 then keep(field, recordsOf(endings, ids, count)) end
      end
    end
    write()
    first = next
  end
  return ids, duplicates
end

-- Returns add(i), which appends the payload in ARGV[i] to the log's own stream and answers its message id.
local function appenderTo(stream)
  return function(i) return redis.call('XADD', stream, '*', 'event', ARGV[i]) end
end
