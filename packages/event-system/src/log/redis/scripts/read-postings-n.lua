-- Reads what segments of an index have of some labels. A segment that was trimmed has nothing.
--
-- KEYS  1 the documents of the labels, 2.. the segments
-- ARGV  1 the name of the index, 2.. the numbers of the labels; none for all
-- Returns for each segment the labels that it has and their postings in turn; nil where there is another index by now

if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return nil end

local function all(segment)
  return redis.call('HGETALL', segment)
end

local function some(segment)
  local ofSegment = {}
  for from = 2, #ARGV, 1000 do
    local to = math.min(from + 999, #ARGV)
    for n, postings in ipairs(redis.call('HMGET', segment, unpack(ARGV, from, to))) do
      if postings then
        ofSegment[#ofSegment + 1] = ARGV[from + n - 1]
        ofSegment[#ofSegment + 1] = postings
      end
    end
  end
  return ofSegment
end

local found = {}
for i = 2, #KEYS do found[i - 1] = #ARGV == 1 and all(KEYS[i]) or some(KEYS[i]) end
return found
