-- What a member needs to take a step of sharding.
--
-- KEYS  1 the stream, 2 the group's sharding
-- ARGV  1 group
-- Returns {the state or false, the server's time in ms, how many entries are pending}, or fails with NOGROUP

local pending = redis.call('XPENDING', KEYS[1], ARGV[1])[1]
local time = redis.call('TIME')
return {redis.call('HGET', KEYS[2], 'state'), time[1] * 1000 + math.floor(time[2] / 1000), pending}
