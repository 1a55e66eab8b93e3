-- A lease as its hash has it: the token, a space, when it ends in ms, a space, and the holder; '' for one that was released.
-- Returns the three as texts; nil for '', which stands for no lease.
local function parsedLease(text)
  return string.match(text, '^(%d+) (%d+) (.*)$')
end

-- Whether a lease stands under a token: until another holder takes it, also past its time.
local function isHeldUnder(leases, name, token)
  local actual, _, holder = parsedLease(redis.call('HGET', leases, name) or '')
  return actual == token and holder ~= ''
end
