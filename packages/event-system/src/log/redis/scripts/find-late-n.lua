-- Finds late entries of some labels, in the order of their event times; some may be gone from the log.
-- Includes: merge
--
-- KEYS  1 the documents of the labels, 2.. the sorted sets of the labels
-- ARGV  1 the name of the index, 2 'forward' or 'backward', 3 how many at most, 4 behind which place, 5 up to which place
-- Returns the places; nil where there is another index by now

if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return nil end
local behind, last = '(' .. ARGV[4], '[' .. ARGV[5]

local function earliestFirst(set)
  local start = behind
  return {pull = function(count)
    local places = redis.call('ZRANGE', set, start, last, 'BYLEX', 'LIMIT', 0, count)
    if #places > 0 then start = '(' .. places[#places] end
    return places
  end}
end

local function latestFirst(set)
  local start = last
  return {pull = function(count)
    local places = redis.call('ZRANGE', set, start, behind, 'BYLEX', 'REV', 'LIMIT', 0, count)
    if #places > 0 then start = '(' .. places[#places] end
    return places
  end}
end

local isForward, sources = ARGV[2] == 'forward', {}
for i = 2, #KEYS do sources[i - 1] = isForward and earliestFirst(KEYS[i]) or latestFirst(KEYS[i]) end
return firstOf(sources, isForward and comesBefore or comesBehind, tonumber(ARGV[3]))
