import { createClient, type RedisClientOptions } from '@redis/client'

const template = createClient({ RESP: 2 })

/** A client of a server, not yet connected: a copy, since the driver takes 10 to 40 ms to make one of other options than the last. */
export function redisClient(url: string, options: Pick<RedisClientOptions, 'socket'> = {}) {
  return template.duplicate({ ...options, url })
}
