-- Moves a group, in each of its streams.
-- Includes: place
--
-- KEYS  the streams
-- ARGV  1 group, then for each stream the last id that it has behind it

redis.call('XPENDING', KEYS[1], ARGV[1]) -- Without the group, it ends here.
for i, stream in ipairs(KEYS) do putGroup('SETID', stream, ARGV[1], ARGV[i + 1]) end
