-- The texts that a group keeps with its pending entries, by their message ids: in three hashes, `kept`, the notes, the payloads
-- that it is given instead of the entries' and the attachments.

-- Adds them to deliveries, {id, fields, deliveries} each: the note as the 4th, the payload as the 5th, the attachment as the
-- 6th, false for none.
local function describe(kept, deliveries)
  if #deliveries == 0 or redis.call('EXISTS', unpack(kept)) == 0 then return deliveries end
  for from = 1, #deliveries, 1000 do
    local ids = {}
    for i = from, math.min(from + 999, #deliveries) do ids[#ids + 1] = deliveries[i][1] end
    for n, hash in ipairs(kept) do
      local texts = redis.call('HMGET', hash, unpack(ids))
      for i = 1, #ids do deliveries[from + i - 1][3 + n] = texts[i] end
    end
  end
  return deliveries
end

-- At most 1,000 entries.
local function forgetTexts(kept, ids)
  for _, hash in ipairs(kept) do redis.call('HDEL', hash, unpack(ids)) end
end
