-- Where a group is put in the stream.
-- Includes: fields

-- The last id that was given, and how many were.
local function endOf(stream)
  if redis.call('EXISTS', stream) == 0 then return '0-0', 0 end
  local info = fieldsOf(redis.call('XINFO', 'STREAM', stream))
  return info['last-generated-id'], info['entries-added']
end

-- Behind an id, or behind all that there is: '$', as XGROUP takes it. `task` is CREATE or SETID.
local function putGroup(task, stream, group, behind)
  local args = {'XGROUP', task, stream, group, behind}
  if behind == '$' then
    local last, added = endOf(stream)
    args[5] = last
    for _, arg in ipairs({'ENTRIESREAD', string.format('%.0f', added)}) do args[#args + 1] = arg end
  end
  if task == 'CREATE' then table.insert(args, 6, 'MKSTREAM') end
  redis.call(unpack(args))
end
