-- What a member needs to take a step of sharding.
-- Includes: streams, pending
--
-- KEYS  1 the partitions, 2 the group's sharding, 3.. the streams
-- ARGV  1 the partitions as the caller knows them, 2 group
-- Returns {the state or false, the server's time in ms, how many entries are pending}, or fails with NOGROUP

local stale = outdated()
if stale then return stale end
local pending = pendingSummary(streamsFrom(3), ARGV[2])
local time = redis.call('TIME')
return {redis.call('HGET', KEYS[2], 'state'), time[1] * 1000 + math.floor(time[2] / 1000), pending}
