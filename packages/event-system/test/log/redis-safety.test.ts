import { expect, test } from 'vitest'
import type { RedisConfig } from '../../../../test/support/start-redis.ts'
import type { RedisStorageOptions } from '../../src/log/redis/index.ts'
import { clientOf, server, started as startedLog } from './redis-logs.ts'

async function started(config: RedisConfig, options: RedisStorageOptions = {}) {
  const running = await server(config)
  const storage = await startedLog({ url: running.url, ...options })
  return { storage, client: await clientOf(running), server: running }
}

const SAFE = { appendonly: 'yes' }

test.each<[RedisConfig, RegExp[]]>([
  [SAFE, []],
  [{ ...SAFE, maxmemory: '100mb' }, []],
  [{ ...SAFE, 'maxmemory-policy': 'allkeys-lru' }, []],
  [{}, [/keeps nothing on its disk.*Set appendonly yes/]],
  [{ save: '3600 1' }, [/no append-only file.*last snapshot is lost/]],
  [{ ...SAFE, appendfsync: 'no' }, [/appendfsync no.*Set appendfsync everysec/]],
  [{ ...SAFE, maxmemory: '100mb', 'maxmemory-policy': 'volatile-ttl' }, [/volatile-ttl.*appended twice/]],
  [
    { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-random' },
    [/drops any key.*allkeys-random\). Set maxmemory-policy noeviction/, /keeps nothing/]
  ]
])('a Redis with %o warns of what it may lose', async (config, sentences) => {
  const { storage } = await started(config)
  const warnings = await storage.warnings()
  expect(warnings.map(({ message }) => message)).toEqual(sentences.map((sentence) => expect.stringMatching(sentence)))
  expect(warnings.some(({ losesEntries }) => losesEntries)).toBe(JSON.stringify(config).includes('allkeys-random'))
})

test('warns when there are fewer replicas than publishing waits for', async () => {
  const { storage } = await started(SAFE, { durability: 'replicas:2' })
  expect(await storage.warnings()).toEqual([
    { message: expect.stringMatching(/has 0 replicas, and the durability is replicas:2/), losesEntries: false }
  ])
})

test('knows nothing where the user may not ask, and does not ask again', async () => {
  const { client, server } = await started({})
  await client.sendCommand(['ACL', 'SETUSER', 'events', 'on', '>pw', '~*', '+@all', '-info', '-config'])
  const storage = await startedLog({ url: server.url.replace('://', '://events:pw@') })
  expect(await storage.warnings()).toEqual([])
  const refused = ((await client.sendCommand(['ACL', 'LOG'])) as unknown[]).length
  expect(refused).toBeGreaterThan(0)
  await client.sendCommand(['ACL', 'LOG', 'RESET'])
  expect(await storage.warnings()).toEqual([])
  expect(await client.sendCommand(['ACL', 'LOG'])).toEqual([])
})

test('warns of what it may ask, where CONFIG is forbidden', async () => {
  const { client, server } = await started({})
  await client.sendCommand(['ACL', 'SETUSER', 'events', 'on', '>pw', '~*', '+@all', '-config'])
  const storage = await startedLog({ url: server.url.replace('://', '://events:pw@') })
  expect(await storage.warnings()).toMatchObject([{ message: expect.stringMatching(/no append-only file/) }])
})

test('rejects never, also when there is no connection', async () => {
  const { storage, server } = await started({})
  await server.kill()
  expect(await storage.warnings()).toEqual([])
})
