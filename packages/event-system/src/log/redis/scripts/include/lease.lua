-- A lease as its hash has it: the token, a space, when it ends in ms, a space, and the holder; '' for one that was released.
-- Returns the three as texts; nil for '', which stands for no lease.
local function parsedLease(text)
  return string.match(text, '^(%d+) (%d+) (.*)$')
end
