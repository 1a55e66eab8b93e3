-- Counts the entries behind an id, up to a bound: how far a group lags when Redis itself cannot tell.
--
-- KEYS  1 the stream
-- ARGV  1 message id, 2 the bound
-- Returns the count, or -1 when it is beyond the bound

local PAGE = 200
local bound = tonumber(ARGV[2])
local count, from = 0, '(' .. ARGV[1]
while count <= bound do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', PAGE)
  count = count + #page
  if #page < PAGE then return count <= bound and count or -1 end
  from = '(' .. page[#page][1]
end
return -1
