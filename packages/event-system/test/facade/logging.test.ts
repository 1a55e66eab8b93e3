import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem } from '../../src/event-system.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { createTestSystem, waitFor } from '../../src/testing/index.ts'
import { signal } from '../support/events.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly err?: Error
}

function recordingLogger(lines: Line[]): Logger {
  const at = (level: string) => (details: object, message: string) => void lines.push({ level, message, ...details })
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger
  }
  return logger
}

test('an operator reads when the connection to Redis is lost, why, and when it is there again', async () => {
  const server = await startRedis({ appendonly: 'yes' })
  onTestFinished(() => server.stop())
  const lines: Line[] = []
  await using system = new EventSystem({ redisUrl: server.url, logger: recordingLogger(lines), environment: {} })
  await system.initialize()
  await server.kill()
  const lost = await waitFor(() => lines.find(({ level }) => level === 'warn'))
  expect(lost.message).toBe('the connection to Redis is lost; it is being made again')
  expect(lost.err?.message).toContain('Redis')
  await server.restart()
  const back = await waitFor(() => lines.find(({ level }) => level === 'info'), { timeoutMs: 10_000 })
  expect(back.message).toBe('the connection to Redis is there again')
  expect(lines).toHaveLength(2)
})

test('an operator reads what a handler threw, under the name that pino writes an error by', async () => {
  const lines: Line[] = []
  await using kit = await createTestSystem({ logger: recordingLogger(lines) })
  kit.system.registerHandler('*', (_, { attempt }) => {
    if (attempt === 1) throw new Error('the desk is closed')
  })
  await kit.system.startConsuming({ group: 'g', backoff: { initialMs: 1 } })
  await kit.publishAndSettle(signal())
  expect(lines.map(({ level, err }) => [level, err?.message])).toEqual([['warn', 'the desk is closed']])
})
