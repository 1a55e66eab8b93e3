-- Reads or changes what a group remembers of events.
-- Includes: ledger
--
-- KEYS  1, 2 the two hashes of the ledger
-- ARGV  1 the retention in ms, 2 what is to be done, then
--       'read': event ids; 'begin', 'forget': event id, step; 'write': event id, step, '1' with a value or '0', value, ...
-- Returns of 'read' {event id, step, value or false, ...}; of 'begin' {} when it begins now, {value or false} when the
-- ledger has it; of 'forget' 1 when there was one

local ledger = ledgerAt(KEYS[1], KEYS[2], tonumber(ARGV[1]))
local task = ARGV[2]

local function shown(value) return value ~= cjson.null and value end

if task == 'read' then
  local found = {}
  for i = 3, #ARGV do
    for step, value in pairs(remembered(ledger, ARGV[i])) do
      found[#found + 1] = ARGV[i]
      found[#found + 1] = step
      found[#found + 1] = shown(value)
    end
  end
  return found
end

if task == 'begin' then
  local value = remembered(ledger, ARGV[3])[ARGV[4]]
  if value ~= nil then return {shown(value)} end
  remember(ledger, ARGV[3], ARGV[4], cjson.null)
  return {}
end

if task == 'forget' then
  local wasInLast = ledger.isLast and forgetIn(ledger.last, ARGV[3], ARGV[4])
  local wasInCurrent = ledger.isCurrent and forgetIn(ledger.current, ARGV[3], ARGV[4])
  return (wasInLast or wasInCurrent) and 1 or 0
end

for i = 3, #ARGV, 4 do
  remember(ledger, ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1' and ARGV[i + 3] or cjson.null)
end
