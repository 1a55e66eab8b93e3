-- A cursor as its hash has it: the position, a space, when it was created or last moved in ms, a space, and '1' when it guards
-- or '0'. Returns the position and the last; nil for '', which stands for no cursor.
local function parsedCursor(text)
  return string.match(text, '^(%S+) %d+ (%d)$')
end

local function cursorOf(cursors, name)
  return parsedCursor(redis.call('HGET', cursors, name) or '')
end

local function putCursor(cursors, name, position, guards)
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', cursors, name, position .. ' ' .. now .. ' ' .. guards)
end
