-- The order of message ids. Their parts are 64-bit numbers, a Lua number holds 53 bits: digits are compared as texts.

local function digitsPrecede(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function precedes(a, b)
  local msA, sequenceA = string.match(a, '^(%d+)-(%d+)$')
  local msB, sequenceB = string.match(b, '^(%d+)-(%d+)$')
  if msA ~= msB then return digitsPrecede(msA, msB) end
  return sequenceA ~= sequenceB and digitsPrecede(sequenceA, sequenceB)
end
