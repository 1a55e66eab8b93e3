import { expect, onTestFinished, test } from 'vitest'
import { type RedisConfig, startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem } from '../../src/event-system.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { createTestSystem, FakeClock, waitFor } from '../../src/testing/index.ts'

async function opened(config: RedisConfig, clock = new FakeClock()) {
  const server = await startRedis(config)
  const lines: string[] = []
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (_, message) => void lines.push(message),
    error: () => {},
    child: () => logger
  }
  const system = new EventSystem({ redisUrl: server.url, environment: {}, logger, clock })
  onTestFinished(async () => {
    await system.close()
    await server.stop()
  })
  await system.initialize()
  return { system, lines, clock }
}

test('an operator reads at the start what may lose events, once, and finds it in the health, which stays healthy', async () => {
  const { system, lines, clock } = await opened({})
  const sentence = expect.stringMatching(/keeps nothing on its disk/)
  await waitFor(() => lines.length > 0)
  expect(lines).toEqual([expect.stringMatching(/^the log may lose events: Redis keeps nothing on its disk/)])
  await clock.advance(60_000)
  expect(await system.healthCheck()).toMatchObject({ status: 'healthy', reasons: [], warnings: [sentence] })
  expect(lines).toHaveLength(1)
})

test('a Redis that may drop the log itself makes the system degraded', async () => {
  const { system } = await opened({ appendonly: 'yes', maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' })
  const sentence = expect.stringMatching(/drops any key/)
  expect(await system.healthCheck()).toMatchObject({ status: 'degraded', reasons: [sentence], warnings: [sentence] })
})

test('the log is asked at most every half minute, and what it answers then counts', async () => {
  const { system, clock } = await opened({ appendonly: 'yes' })
  const { storage } = system
  const asked = storage.warnings?.bind(storage)
  let asks = 0
  storage.warnings = async () => {
    asks++
    return (await asked?.()) ?? []
  }
  await system.healthCheck()
  expect(asks).toBe(0)
  await clock.advance(30_000)
  await Promise.all([system.healthCheck(), system.healthCheck()])
  expect(asks).toBe(1)
})

test('an embedded log has nothing to warn of', async () => {
  await using kit = await createTestSystem()
  expect(await kit.system.healthCheck()).toMatchObject({ status: 'healthy', warnings: [] })
})
