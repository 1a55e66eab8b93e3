-- The texts that a group keeps with its pending entries: a hash, message id -> text.

-- Adds them to deliveries, {id, fields, deliveries} each, as the 4th; false for none.
local function addAttachments(attachments, deliveries)
  if #deliveries == 0 or redis.call('EXISTS', attachments) == 0 then return deliveries end
  for from = 1, #deliveries, 1000 do
    local ids = {}
    for i = from, math.min(from + 999, #deliveries) do ids[#ids + 1] = deliveries[i][1] end
    local texts = redis.call('HMGET', attachments, unpack(ids))
    for i = 1, #ids do deliveries[from + i - 1][4] = texts[i] end
  end
  return deliveries
end

-- Of at most 1,000 entries.
local function forgetAttachments(attachments, ids)
  redis.call('HDEL', attachments, unpack(ids))
end
