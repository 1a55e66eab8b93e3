-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them. XCLAIM drops from the
-- pending list what is no longer in the stream.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3 least idle time in ms, 4 how many at most, 5 the consumer that nobody is
-- Returns {{id, fields, deliveries}, ...}

local CHUNK = 500
local limit = tonumber(ARGV[4])
local deliveries = {}
local from = '-'
local tookFromNobody = false
while #deliveries < limit do
  local most = math.min(CHUNK, limit - #deliveries)
  local page = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], from, '+', most)
  if #page == 0 then break end
  local ids, counts = {}, {}
  for i, pending in ipairs(page) do
    ids[i] = pending[1]
    counts[pending[1]] = pending[4] + 1
    tookFromNobody = tookFromNobody or pending[2] == ARGV[5]
  end
  for _, entry in ipairs(redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], unpack(ids))) do
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], counts[entry[1]]} end
  end
  from = '(' .. ids[#ids]
end

-- The consumer that nobody is goes with the last entry that it held: XINFO shows who is there.
if tookFromNobody and #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[5]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[5])
end
return deliveries
