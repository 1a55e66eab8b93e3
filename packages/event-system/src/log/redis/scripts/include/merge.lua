-- The first texts of several sorted lists, in their order.

-- Each source has pull(count), which returns the next texts; fewer than asked at its end. A heap has the sources by what each has
-- next. A source is asked again only when all that it gave is taken. A text that several sources have is found once.
local function firstOf(sources, precedes, limit)
  local heap = {}

  local function sink(at)
    local source = heap[at]
    while true do
      local child = 2 * at
      if heap[child + 1] and precedes(heap[child + 1].text, heap[child].text) then child = child + 1 end
      if not heap[child] or not precedes(heap[child].text, source.text) then break end
      heap[at] = heap[child]
      at = child
    end
    heap[at] = source
  end

  -- The next text of a source; nil at its end.
  local function advance(source)
    source.at = source.at + 1
    if source.at > #source.texts and not source.isAtEnd then
      source.texts = source.pull(source.count)
      source.isAtEnd, source.at = #source.texts < source.count, 1
      source.count = math.min(2 * source.count, limit)
    end
    source.text = source.texts[source.at]
    return source.text
  end

  local count = math.min(limit, math.ceil(1.5 * limit / #sources) + 1)
  for _, source in ipairs(sources) do
    source.texts, source.at, source.count = {}, 0, count
    if advance(source) then heap[#heap + 1] = source end
  end
  for at = math.floor(#heap / 2), 1, -1 do sink(at) end

  local found = {}
  while heap[1] and #found < limit do
    local source = heap[1]
    if source.text ~= found[#found] then found[#found + 1] = source.text end
    if not advance(source) then
      heap[1] = heap[#heap]
      heap[#heap] = nil
    end
    if heap[1] then sink(1) end
  end
  return found
end

local function comesBefore(a, b) return a < b end

local function comesBehind(a, b) return a > b end
