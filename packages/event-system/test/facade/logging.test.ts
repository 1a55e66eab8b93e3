import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem } from '../../src/event-system.ts'
import { createTestSystem, waitFor } from '../../src/testing/index.ts'
import { signal } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'

test('an operator reads when the connection to Redis is lost, why, and when it is there again', async () => {
  const server = await startRedis({ appendonly: 'yes' })
  onTestFinished(() => server.stop())
  const { logger, logged } = recordingLogger()
  await using system = new EventSystem({ redisUrl: server.url, logger, environment: {} })
  await system.initialize()
  await server.kill()
  const [, lost, details] = await waitFor(() => logged.find(([level]) => level === 'warn'))
  expect(lost).toBe('the connection to Redis is lost; it is being made again')
  expect(details).toMatchObject({ err: { message: expect.stringContaining('Redis') } })
  await server.restart()
  const [, back] = await waitFor(() => logged.find(([level]) => level === 'info'), { timeoutMs: 10_000 })
  expect(back).toBe('the connection to Redis is there again')
  expect(logged).toHaveLength(2)
})

test('an operator reads what a handler threw, under the name that pino writes an error by', async () => {
  const { logger, logged } = recordingLogger()
  await using kit = await createTestSystem({ logger })
  kit.system.registerHandler('*', (_, { attempt }) => {
    if (attempt === 1) throw new Error('the desk is closed')
  })
  await kit.system.startConsuming({ group: 'g', backoff: { initialMs: 1 } })
  await kit.publishAndSettle(signal())
  expect(logged).toMatchObject([['warn', expect.any(String), { err: { message: 'the desk is closed' } }]])
})
