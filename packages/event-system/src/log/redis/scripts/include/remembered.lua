-- What deduplication remembers of an event id: its message id and, where it has a stream key, behind a space the version.
--
-- Two hashes: time is cut into spans as long as the window, and spans use the two in turn, so that an id of the window
-- stands in this span's or the last one's. The field '' says which span it is, and '#' how many entries the log had been
-- given before it, from which follows how many ids are remembered.
--
-- UUIDs that are made one after another may differ in their last 12 characters only (createEvent makes such). What they
-- share is a field, and its text has a record for those that were appended in a row, `<how many>:<message id of the
-- first>:<the last 12 characters of each>`: that costs a fraction of a field for each. A text that has grown long takes no
-- more. Other ids, and those that find a long text, have a field of their own, `=<event id>`, and no such characters.
-- Includes: long

-- How many entries these streams were given since they were made.
local function givenTo(streams)
  local given = 0
  for _, stream in ipairs(streams) do
    local info = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'STREAM', stream) or {}
    for i = 1, #info, 2 do
      if info[i] == 'entries-added' then given = given + info[i + 1] end
    end
  end
  return given
end

-- Begins a span in a hash.
local function beginSpan(hash, span, given, window)
  redis.call('UNLINK', hash)
  redis.call('HSET', hash, '', span, '#', given)
  redis.call('PEXPIRE', hash, 2 * window)
end

-- What a text says of the id that ends so, when it was appended inside the window.
local function recordIn(text, ending, now, window)
  local found, at = nil, 1
  while at <= #text do
    local count, id, start = string.match(text, '^(%d+):([^:]+):()', at)
    local stop = start + #ending * count
    for i = start, stop - 1, 12 do
      if string.sub(text, i, i + 11) == ending then
        local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
        found = i == start and id or string.format('%s-%.0f', ms, sequence + (i - start) / 12)
      end
    end
    if ending == '' then found = id end
    at = stop
  end
  if found and now - string.match(found, '^%d+') < window then return found end
end

-- The same of a hash, in which `text` is that of the field.
local function rememberedIn(hash, text, field, ending, now, window)
  if not text then return nil end
  local id = string.find(text, ending, 1, true) and recordIn(text, ending, now, window)
  if id or ending == '' or #text < LONG then return id end
  local own = redis.call('HGET', hash, '=' .. field .. ending)
  return own and recordIn(own, '', now, window)
end
