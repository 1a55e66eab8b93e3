-- The streams of a log: its own, and when it is partitioned one for each event type behind it, in the order in which they
-- were made. Message ids are unique among all of them and grow in the order of the appends, so that together they are one
-- log. In the stream n they have a sequence of 2^32 + 1024 k + n; in the log's own one, where others write too, of less.
--
-- KEYS[1] holds the names of the partitions, a line each, and ARGV[1] is what the caller knows of them.

local FIRST_SEQUENCE, MOST_STREAMS = 4294967296, 1024
local LAST_SEQUENCE = '18446744073709551615'

-- An error when there are other partitions than the caller knows of: it would overlook what is in them.
local function outdated()
  if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then return nil end
  return redis.error_reply('PARTITIONS of the log are others than the caller knows')
end

-- The streams are the keys from `first` on.
local function streamsFrom(first)
  local streams = {}
  for i = first, #KEYS do streams[#streams + 1] = KEYS[i] end
  return streams
end

-- The stream of an entry, by its id.
local function streamOf(streams, id)
  if #streams == 1 then return streams[1] end
  local sequence = tonumber(string.match(id, '%-(%d+)$'))
  local number = sequence >= FIRST_SEQUENCE and (sequence - FIRST_SEQUENCE) % MOST_STREAMS or 0
  return streams[number + 1] or streams[1]
end
