-- Makes an entry pending in a group as if never delivered: it is held by the consumer that nobody is, until somebody claims it.
local function makePending(stream, group, nobody, id, sharding, routed)
  redis.call('XCLAIM', stream, group, nobody, 0, id, 'IDLE', 0, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
  -- Members that share by key wait for this stream, and look for what nobody holds.
  if redis.call('EXISTS', sharding) == 1 then redis.call('XADD', routed, 'MAXLEN', '~', 100, '*', 'by', '') end
end
