-- The entries of a log in one stream. The scripts of a log with a stream for each type have `stream-by-type` in its place.
-- Includes: order

local WIDTH = 3 -- arguments of an event
local KEYS_OF_GROUP = 1 -- of a group that a unit names: its attachments

-- The keys and arguments of the types: none.
local function openTypes(_, at) return at end

local function streamOfGroup(stream) return stream end

-- Appends the event whose arguments begin at i. Returns its message id.
local function addEvent(stream, i) return redis.call('XADD', stream, '*', 'event', ARGV[i + 1]) end

local function keepIds() end

local function openPartitions() end

-- Where the log begins: the message id of the oldest event; nil when there is none.
local function oldestIn(stream)
  local entry = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  return entry and entry[1]
end

-- Whether the event of an entry of an index stood before that.
local function isGone(entry, oldest) return not oldest or precedes(string.match(entry, ' (.+)$'), oldest) end
