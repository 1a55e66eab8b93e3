-- Hands what is due of the delayed entries to the consumer that nobody is. What waits no more for another reason is
-- forgotten.
-- Includes: hold
local function freeDue(stream, group, delayed, waiting, nobody)
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 1000)
  if #due == 0 then return end
  for _, id in ipairs(due) do
    local row = redis.call('XPENDING', stream, group, id, id, 1, waiting)[1]
    if row then
      redis.call('XCLAIM', stream, group, nobody, 0, id, 'IDLE', row[3], 'RETRYCOUNT', row[4], 'JUSTID')
    end
    redis.call('ZREM', delayed, id)
  end
  removeWhenEmpty(stream, group, waiting)
end
