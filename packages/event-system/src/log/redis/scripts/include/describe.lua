-- Adds what a group keeps beside its pending entries to deliveries, {id, fields, deliveries} each: the note as the 4th,
-- the payload that it is given instead of the entry's as the 5th, false for none.
local function describe(notes, amended, deliveries)
  if #deliveries == 0 or redis.call('EXISTS', notes, amended) == 0 then return deliveries end
  for from = 1, #deliveries, 1000 do
    local ids = {}
    for i = from, math.min(from + 999, #deliveries) do ids[#ids + 1] = deliveries[i][1] end
    local noteOf = redis.call('HMGET', notes, unpack(ids))
    local payloadOf = redis.call('HMGET', amended, unpack(ids))
    for i = 1, #ids do
      deliveries[from + i - 1][4] = noteOf[i]
      deliveries[from + i - 1][5] = payloadOf[i]
    end
  end
  return deliveries
end
