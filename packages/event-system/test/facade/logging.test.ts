import { EventSystemError } from '@tradpal/events'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { EventSystem } from '../../src/event-system.ts'
import { silentLogger, stderrLogger } from '../../src/runtime/index.ts'
import { createTestSystem, type TestSystemOptions, waitFor } from '../../src/testing/index.ts'
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
  const [, back] = await waitFor(() => logged.find(([level]) => level === 'info'))
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

/** The lines that the library wrote to stderr while `work` ran. */
async function stderrOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const written = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    await work()
    return written.mock.calls.map(([line]) => JSON.parse(line))
  } finally {
    written.mockRestore()
  }
}

/** A group whose only handler fails once. */
async function failOnce(options: TestSystemOptions): Promise<void> {
  await using kit = await createTestSystem(options)
  kit.system.registerHandler('*', (_, { attempt }) => {
    if (attempt === 1) throw new EventSystemError('invalid_argument', 'the desk is closed')
  })
  await kit.system.startConsuming({ group: 'g', backoff: { initialMs: 1 } })
  await kit.publishAndSettle(signal())
}

describe('a failing handler', () => {
  test('is a line of JSON on stderr where nobody gives a logger', async () => {
    const lines = await stderrOf(() => failOnce({ logger: undefined } as object))

    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'warn',
      message: 'a handler failed; it will be tried again',
      group: 'g',
      messageId: expect.any(String),
      err: {
        message: 'the desk is closed',
        code: 'invalid_argument',
        stack: expect.stringContaining('logging.test.ts')
      }
    })
  })

  test('is told to console, message first', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    await failOnce({ logger: console })

    expect(warn.mock.calls).toEqual([
      ['a handler failed; it will be tried again', expect.objectContaining({ group: 'g', err: expect.any(Error) })]
    ])
  })

  test('is told to pino, details first', async () => {
    const lines: string[] = []
    await failOnce({ logger: pino({}, { write: (line: string) => void lines.push(line) }) })

    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, msg: 'a handler failed; it will be tried again', group: 'g', err: { message: 'the desk is closed' } }
    ])
  })

  test('is silent with the silent logger', async () => {
    expect(await stderrOf(() => failOnce({ logger: silentLogger }))).toEqual([])
  })
})

test('a line on stderr is one line whatever the details are, and steers no terminal', async () => {
  const circle: Record<string, unknown> = {}
  circle.itself = circle
  const cause = new Error('the cause')

  const lines = await stderrOf(async () => {
    stderrLogger.info({}, 'not written')
    stderrLogger.child({ group: 'g' }).warn({ level: 'mine', count: 2n ** 64n }, 'a\nb\u009b31m')
    stderrLogger.error({ circle }, 'in a circle')
    stderrLogger.error({ err: new Error('the effect', { cause }) }, 'with a cause')
  })

  expect(lines).toMatchObject([
    { level: 'warn', message: 'a\nb\u009b31m', group: 'g' },
    { level: 'error', message: 'in a circle' },
    { level: 'error', err: { message: 'the effect', cause: { message: 'the cause' } } }
  ])
})

test('starting to consume without a handler is refused, and no group is made', async () => {
  await using kit = await createTestSystem()

  await expect(kit.system.startConsuming({ group: 'g' })).rejects.toMatchObject({
    code: 'invalid_options',
    message: expect.stringMatching(/before any registerHandler\(\).*Register a handler first/)
  })
  expect((await kit.system.getEventStats()).groups).toEqual([])
})

test('a handler that comes after events of its type were acknowledged without one is told how many, and since when', async () => {
  const { logger, logged } = recordingLogger()
  await using kit = await createTestSystem({ logger })
  kit.system.registerHandler('risk_alert', () => {})
  await kit.system.startConsuming({ group: 'g' })
  await kit.publishAndSettle([signal(), signal()])
  kit.system.registerHandler('market_data_update', () => {})
  expect(logged).toEqual([])

  kit.system.registerHandler('trading_signal', () => {})
  kit.system.registerHandler('trading_signal', () => {})

  expect(logged).toEqual([
    [
      'warn',
      expect.stringContaining('acknowledged events of its type without one'),
      { eventType: 'trading_signal', count: 2, since: expect.stringMatching(/^\d{4}-.*Z$/) }
    ]
  ])
})

test('a variable that resembles a known one is told by its name, and its value is not', async () => {
  const { logger, logged } = recordingLogger()
  const environment = { EVENT_LOG_PTH: 'secret', EVENT_CONSUMER_GROUPS: 'secret', REDIS_URI: '', PATH: 'secret' }

  new EventSystem({ logger, environment })

  expect(logged.map(([level, , details]) => [level, details])).toEqual([
    ['warn', { variable: 'EVENT_LOG_PTH', meant: 'EVENT_LOG_PATH' }],
    ['warn', { variable: 'EVENT_CONSUMER_GROUPS', meant: 'EVENT_CONSUMER_GROUP' }]
  ])
  expect(JSON.stringify(logged)).not.toContain('secret')
})
