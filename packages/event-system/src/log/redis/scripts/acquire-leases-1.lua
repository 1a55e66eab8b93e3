-- Takes leases that are free, have ended, or are the holder's own.
-- Includes: lease
--
-- KEYS  1 the hash of leases
-- ARGV  1 holder, 2 how long they last in ms, 3 when an ended lease is forgotten, in ms behind its end, 4.. the names
-- Returns for each name its token, or false where another holder has it

local leases, holder = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fromClock = time[1] * 1000000 + time[2]
local ends = string.format('%.0f', now + tonumber(ARGV[2]))

local function forgetEnded()
  local all = redis.call('HGETALL', leases)
  for i = 1, #all, 2 do
    local _, endsAt = parsedLease(all[i + 1])
    if endsAt + ARGV[3] < now then redis.call('HDEL', leases, all[i]) end
  end
end

local tokens, hasNew = {}, false
for i = 4, #ARGV do
  local text, token = redis.call('HGET', leases, ARGV[i]), fromClock
  if text then
    local last, endsAt, by = parsedLease(text)
    if by == holder then
      token = tonumber(last)
    elseif tonumber(endsAt) > now then
      token = false
    else
      token = math.max(last + 1, fromClock)
    end
  else
    hasNew = true
  end
  if token then redis.call('HSET', leases, ARGV[i], string.format('%.0f', token) .. ' ' .. ends .. ' ' .. holder) end
  tokens[i - 3] = token
end
if hasNew then forgetEnded() end
return tokens
