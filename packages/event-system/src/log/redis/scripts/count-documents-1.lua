-- Counts the documents of a lasting collection whose ids begin so.
--
-- KEYS  1 the sorted set of its ids
-- ARGV  1 how the ids begin

-- No text in UTF-8 has the byte 255.
return redis.call('ZLEXCOUNT', KEYS[1], '[' .. ARGV[1], '(' .. ARGV[1] .. '\255')
