-- Takes over the oldest pending entries of a group that were idle long enough, whoever held them. XCLAIM drops from the
-- pending list what is no longer in the stream.
--
-- KEYS  1 the stream
-- ARGV  1 group, 2 consumer, 3 least idle time in ms, 4 how many at most
-- Returns {{id, fields, deliveries}, ...}

local limit = tonumber(ARGV[4])
local deliveries = {}
local from = '-'
while #deliveries < limit do
  local page = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], from, '+', limit - #deliveries)
  if #page == 0 then break end
  for _, pending in ipairs(page) do
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], pending[1])[1]
    if entry then deliveries[#deliveries + 1] = {entry[1], entry[2], pending[4] + 1} end
    from = '(' .. pending[1]
  end
end
return deliveries
