-- A page of the documents of a lasting collection, in the order of the bytes of their ids.
--
-- KEYS  1 the hash of the collection, 2 the sorted set of its ids
-- ARGV  1 where it begins, as ZRANGE takes it, 2 how the ids begin, 3 how many at most
-- Returns ids and texts in turn

-- No text in UTF-8 has the byte 255.
local ids = redis.call('ZRANGE', KEYS[2], ARGV[1], '(' .. ARGV[2] .. '\255', 'BYLEX', 'LIMIT', 0, ARGV[3])
local page = {}
for from = 1, #ids, 1000 do
  local to = math.min(from + 999, #ids)
  local texts = redis.call('HMGET', KEYS[1], unpack(ids, from, to))
  for i = from, to do
    page[#page + 1] = ids[i]
    page[#page + 1] = texts[i - from + 1]
  end
end
return page
