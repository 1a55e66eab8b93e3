import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'

/** A Redis of its own for the tests of a file, empty at the beginning of each, and the logs that they open. */
export function redisInTest() {
  let server: RedisServer
  let client: ReturnType<typeof newClient>
  const open: RedisStorage[] = []
  const closeLogs = () => Promise.all(open.splice(0).map((storage) => storage.close()))

  beforeAll(async () => {
    server = await startRedis()
    client = newClient(server.url)
    await client.connect()
  })
  afterAll(async () => {
    client.destroy()
    await server.stop()
  })
  beforeEach(() => client.flushAll())
  afterEach(closeLogs)

  return {
    get server() {
      return server
    },
    /** To look past the log. */
    get client() {
      return client
    },
    /** A started log, closed after the test. */
    async started(options: RedisStorageOptions = {}): Promise<RedisStorage> {
      const storage = new RedisStorage({ url: server.url, ...options })
      open.push(storage)
      await storage.start()
      return storage
    },
    closeLogs
  }
}

const newClient = (url: string) => redisClient(url)
