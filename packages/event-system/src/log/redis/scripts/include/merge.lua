-- Rows of several sources as those of one, in log order, in memory for some pages. A row begins with its message id.

local function parsed(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local function isBefore(a, b, isBackward)
  if isBackward then a, b = b, a end
  if a.ms ~= b.ms then return a.ms < b.ms end
  return a.sequence < b.sequence
end

-- The first `count` rows. page(source, from, most) answers at most so many rows of one source from there on, and where to
-- go on, nil at its end; starts[i] is where the i-th source begins. Returns the rows, and the source of each.
local function mergedRows(sources, starts, count, page, isBackward)
  local most = #sources == 1 and count or math.max(8, math.ceil(2 * count / #sources))
  local rows, owners, cursors = {}, {}, {}

  -- Resolves to whether the cursor has a row.
  local function isReady(cursor)
    while cursor.at > #cursor.rows do
      if not cursor.from then return false end
      cursor.rows, cursor.from = page(cursor.source, cursor.from, most)
      cursor.at = 1
    end
    cursor.ms, cursor.sequence = parsed(cursor.rows[cursor.at][1])
    return true
  end

  for i, source in ipairs(sources) do
    local cursor = {source = source, from = starts[i], rows = {}, at = 1}
    if isReady(cursor) then cursors[#cursors + 1] = cursor end
  end
  while #rows < count and #cursors > 0 do
    local first = 1
    for i = 2, #cursors do
      if isBefore(cursors[i], cursors[first], isBackward) then first = i end
    end
    local cursor = cursors[first]
    rows[#rows + 1] = cursor.rows[cursor.at]
    owners[#owners + 1] = cursor.source
    cursor.at = cursor.at + 1
    if not isReady(cursor) then table.remove(cursors, first) end
  end
  return rows, owners
end

-- For each source the same beginning.
local function allFrom(sources, from)
  local starts = {}
  for i = 1, #sources do starts[i] = from end
  return starts
end

-- Behind which id a full page goes on; nil behind one that is not full.
local function behind(rows, most)
  return #rows == most and '(' .. rows[most][1] or nil
end

-- A page of a stream's entries, up to an id.
local function entriesUpTo(last)
  return function(stream, from, most)
    local rows = redis.call('XRANGE', stream, from, last, 'COUNT', most)
    return rows, behind(rows, most)
  end
end
