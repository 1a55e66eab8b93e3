-- Appends events of which some have a stream key, and counts up the versions of these keys: only if the keys that
-- something is expected of have those versions. When all of the events were there already, nothing is expected.
-- Includes: append

local function areAllThere(evenHash, oddHash, window, first, last, width)
  if window == 0 then return false end
  local now, span, current, before = spansOf(evenHash, oddHash, window)
  while first <= last do
    local fields, places, next = rowsFrom(first, last, width)
    local old, here = textsOf(before, span - 1, fields), textsOf(current, span, fields)
    for row, at in ipairs(places) do
      local field, endings = ARGV[at], ARGV[at + 1]
      for k = 1, tonumber(ARGV[at + 2]) do
        local ending = string.sub(endings, 12 * k - 11, 12 * k)
        local isThere = rememberedIn(current, here[row + 1], field, ending, now, window)
          or rememberedIn(before, old[row + 1], field, ending, now, window)
        if not isThere then return false end
      end
    end
    first = next
  end
  return true
end

-- In ARGV stand, from `at` on, how many versions are expected, stream key and version of each, and then the events in rows,
-- each with `width` arguments, the stream key last, '' for none. add(i, id) appends the event whose arguments begin at i, as
-- that of appendEvents does.
-- Returns {message ids, indexes (from 0) of those that were there already}; the id of an event with a stream key is
-- followed by a space and the version, and so it is remembered for deduplication. Or, nothing changed, {index (from 0) of
-- an expected version that is not so, the version that is}.
local function appendVersioned(streams, evenHash, oddHash, versionsHash, window, at, width, add)
  local first = at + 1 + 2 * tonumber(ARGV[at])
  local versions, counted = {}, {}
  redis.call('HLEN', versionsHash) -- A key of another type fails here.

  local function versionOf(key)
    versions[key] = versions[key] or tonumber(redis.call('HGET', versionsHash, key) or 0)
    return versions[key]
  end

  for i = at + 1, first - 2, 2 do
    local actual = versionOf(ARGV[i])
    if actual ~= tonumber(ARGV[i + 1]) then
      if areAllThere(evenHash, oddHash, window, first, #ARGV, width) then break end
      return {(i - at - 1) / 2, actual}
    end
  end

  local ids, duplicates = appendEvents(streams, evenHash, oddHash, window, first, #ARGV, width, function(i)
    local id, key = add(i), ARGV[i + width - 1]
    if key == '' then return id end
    versions[key] = versionOf(key) + 1
    counted[key] = true
    return id .. ' ' .. versions[key]
  end)
  for key in pairs(counted) do redis.call('HSET', versionsHash, key, versions[key]) end
  return {ids, duplicates}
end
