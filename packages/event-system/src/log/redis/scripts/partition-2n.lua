-- Makes partitions, each with all groups of the log, which begin at its start. Those that there are stay as they are.
-- Includes: fields
--
-- KEYS  1 the partitions, 2 the log's own stream, 3.. the streams to be made
-- ARGV  1 how many a log may have, 2.. the names of the streams to be made, a line each in the partitions
-- Returns the names of all partitions, a line each

local text = redis.call('GET', KEYS[1]) or ''
local count = select(2, string.gsub(text, '[^\n]+', ''))
local groups = redis.call('EXISTS', KEYS[2]) == 1 and redis.call('XINFO', 'GROUPS', KEYS[2]) or {}
for i = 2, #ARGV do
  local isNew = not string.find('\n' .. text .. '\n', '\n' .. ARGV[i] .. '\n', 1, true)
  if isNew and count >= tonumber(ARGV[1]) then return redis.error_reply('TOOMANY partitions') end
  if isNew then
    for _, group in ipairs(groups) do
      redis.call('XGROUP', 'CREATE', KEYS[i + 1], fieldsOf(group).name, '0', 'MKSTREAM')
    end
    text = text == '' and ARGV[i] or text .. '\n' .. ARGV[i]
    count = count + 1
  end
end
redis.call('SET', KEYS[1], text)
return text
