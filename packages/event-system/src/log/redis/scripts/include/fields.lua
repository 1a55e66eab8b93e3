-- A list of names and values in turn, as XINFO answers, as a table.
local function fieldsOf(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end

-- How a group stands, by XINFO GROUPS; nil without it.
local function groupInfo(stream, group)
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local info = fieldsOf(reply)
    if info.name == group then return info end
  end
  return nil
end
