-- How far streams have come, without what stands in them.
-- Includes: fields
--
-- KEYS  the streams
-- Returns for each {length, the last id that was given, the ids of the first and of the last entry or '', how many were ever
-- added}

local ends = {}
for i, stream in ipairs(KEYS) do
  if redis.call('EXISTS', stream) == 0 then
    ends[i] = {0, '0-0', '', '', 0}
  else
    local info = fieldsOf(redis.call('XINFO', 'STREAM', stream))
    local first, last = info['first-entry'], info['last-entry']
    ends[i] = {info.length, info['last-generated-id'], first and first[1] or '', last and last[1] or '', info['entries-added']}
  end
end
return ends
