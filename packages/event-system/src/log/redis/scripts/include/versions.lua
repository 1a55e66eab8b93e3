-- Appends events of which some have a stream key, and counts up the versions of these keys: only if the keys that
-- something is expected of have those versions. When all of the events were there already, nothing is expected.
-- Includes: append

local function areAllThere(evenHash, oddHash, window, first, width)
  if window == 0 then return false end
  local now, span, current, before = spansOf(evenHash, oddHash, window)
  for from = first, #ARGV, width * CHUNK do
    local fields, seen = {''}, {}
    for i = from, math.min(from + width * (CHUNK - 1), #ARGV), width do fields[#fields + 1] = ARGV[i] end
    look(before, span - 1, fields, now, window, seen)
    look(current, span, fields, now, window, seen)
    for i = 2, #fields do
      if not seen[fields[i]] then return false end
    end
  end
  return true
end

-- In ARGV stand, from `at` on, how many versions are expected, stream key and version of each, and then the events, each
-- with `width` arguments: its id first and its stream key last, '' for none. add(i) appends the event whose arguments begin
-- at i, and answers its message id.
-- Returns {message ids, indexes (from 0) of those that were there already}; the id of an event with a stream key is
-- followed by a space and the version, and so it is remembered for deduplication. Or, nothing changed, {index (from 0) of
-- an expected version that is not so, the version that is}.
local function appendVersioned(evenHash, oddHash, versionsHash, window, at, width, add)
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
      if areAllThere(evenHash, oddHash, window, first, width) then break end
      return {(i - at - 1) / 2, actual}
    end
  end

  local ids, duplicates = appendEvents(evenHash, oddHash, window, first, #ARGV, width, function(i)
    local id, key = add(i), ARGV[i + width - 1]
    if key == '' then return id end
    versions[key] = versionOf(key) + 1
    counted[key] = true
    return id .. ' ' .. versions[key]
  end)
  for key in pairs(counted) do redis.call('HSET', versionsHash, key, versions[key]) end
  return {ids, duplicates}
end
