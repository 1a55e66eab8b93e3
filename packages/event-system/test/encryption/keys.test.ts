import { chmodSync } from 'node:fs'
import type { Event } from '@tradpal/events'
import { expect, it, onTestFinished } from 'vitest'
import { diagnostics, EventSystem, type EventSystemOptions, type Logger, type SkippedMessage } from '../../src/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal, signals } from '../support/events.ts'
import { systemOptionsFor } from '../support/log-place.ts'
import { keyOf, keysFile, replace, writeKeys } from './keys-in-file.ts'

/** The file is looked at each second. */
const ROLLED_OUT = { timeoutMs: 8_000 }

function recordingLogger() {
  const lines: { level: string; message: string; text: string }[] = []
  const write = (level: string) => (details: object, message: string) =>
    void lines.push({ level, message, text: `${message} ${String((details as { err?: unknown }).err ?? '')}` })
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger
  }
  return { lines, logger }
}

describeOnEachLog('encryption', (under) => {
  async function systemWith(path: string, options: EventSystemOptions = {}): Promise<EventSystem> {
    const where = systemOptionsFor(under.place)
    const system = new EventSystem({ environment: {}, ...where, encryption: { keysFile: path }, ...options })
    await system.initialize()
    onTestFinished(async () => void (await system.close()))
    return system
  }

  const prices = (events: readonly Event[]) => events.map(({ data }) => data.price)

  it('keeps a log in which plain events and those of several keys stand readable, all of it with handlers', async () => {
    const plain = await under.open()
    const unencrypted = new EventSystem({ environment: {}, storage: plain })
    await unencrypted.initialize()
    await unencrypted.publishEvent(signal('AAPL', 0))
    await (await systemWith(keysFile('a'))).publishEvent(signal('AAPL', 1))
    const system = await systemWith(keysFile('b', 'a'), {
      encryption: { keysFile: keysFile('b', 'a'), metadata: true }
    })
    await system.publishEvent(signal('AAPL', 2))

    expect(prices(await system.getEvents())).toEqual([0, 1, 2])
    const handled: unknown[] = []
    system.registerHandler('trading_signal', (event) => void handled.push(event.data.price))
    await system.startConsuming({ from: 'start' })
    await waitFor(() => handled.length === 3)
    expect(handled.toSorted()).toEqual([0, 1, 2])
    expect(
      prices((await system.puller.pull({ group: 'pulled', consumer: 'c', from: 'start' })).map(({ event }) => event))
    ).toEqual([0, 1, 2])
  })

  it('writes with the new current key once the file has it, without a restart', async () => {
    const path = keysFile('a')
    const { lines, logger } = recordingLogger()
    const system = await systemWith(path, { logger })
    await system.publishEvent(signal())
    writeKeys(path, 'b', 'a')
    await waitFor(() => lines.some(({ message }) => /keys changed: read again/.test(message)), ROLLED_OUT)
    await system.publishEvent(signal())

    const storage = await under.open()
    const payloads = (await storage.log.read({ limit: 10 })).entries.map(
      ({ payload }) => /,key=(\w),/.exec(payload ?? '')?.[1]
    )
    expect(payloads).toEqual(['a', 'b'])
    expect(await system.getEvents()).toHaveLength(2)
  })

  it('goes on with the keys that it has when the file is spoilt, and says so without a word of it', async () => {
    const path = keysFile('a')
    const { lines, logger } = recordingLogger()
    const system = await systemWith(path, { logger })
    replace(path, `{"current": "a", "keys": {"a": "${keyOf('a')}"`)
    const told = await waitFor(() => lines.find(({ level }) => level === 'error'), ROLLED_OUT)
    expect(told.text).toMatch(/what held before holds on.*not JSON/)
    expect(told.text).not.toContain(keyOf('a').slice(0, 20))
    await system.publishEvent(signal())
    expect(await system.getEvents()).toHaveLength(1)
  })

  for (const ordering of ['none', 'key'] as const) {
    it(`has consumers wait for a key that is not rolled out, and buries nothing (ordering: ${ordering})`, async () => {
      await (await systemWith(keysFile('new'))).publishBatch(signals(20))
      const path = keysFile('old')
      const { lines, logger } = recordingLogger()
      const system = await systemWith(path, { logger })
      const handled: unknown[] = []
      system.registerHandler('trading_signal', (event) => void handled.push(event.data.price), { maxAttempts: 1 })
      await system.startConsuming({ group: 'brokers', from: 'start', ordering })

      const { reasons, status } = await waitFor(async () => {
        const health = await system.healthCheck()
        return health.reasons.length > 0 && health
      })
      expect(status).toBe('degraded')
      expect(reasons).toEqual([
        expect.stringMatching(/The encryption key "new" is not among the keys in .*: roll it out/)
      ])
      await waitFor(() => lines.some(({ level, message }) => level === 'error' && /consuming waits/.test(message)))
      expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1)

      writeKeys(path, 'old', 'new')
      await waitFor(() => handled.length === 20, ROLLED_OUT)
      const inOrder = ordering === 'key' ? handled : handled.toSorted((a, b) => Number(a) - Number(b))
      expect(inOrder).toEqual(prices(signals(20)))
      expect(await system.deadLetters.count()).toBe(0)
    })
  }

  it('answers a pull with key_missing, as often as one likes, and hands the events out once the key is there', async () => {
    await (await systemWith(keysFile('new'))).publishBatch(signals(3))
    const without = await systemWith(keysFile('old'))
    const pull = { group: 'pulled', consumer: 'c', from: 'start', maxAttempts: 1 } as const
    for (let i = 0; i < 30; i++) {
      await expect(without.puller.pull(pull)).rejects.toMatchObject({ code: 'key_missing' })
    }
    const pulled = await (await systemWith(keysFile('new'))).puller.pull(pull)
    expect(prices(pulled.map(({ event }) => event))).toEqual([0, 1, 2])
  })

  it('buries what was tampered with as poison, and a query skips it', async () => {
    const path = keysFile('a')
    const system = await systemWith(path)
    await system.publishEvent(signal('AAPL', 1))
    const storage = await under.open()
    const [entry] = (await storage.log.read({ limit: 1 })).entries
    const forged = (entry?.payload ?? '').replace(/"event_id":"[^"]*"/, '"event_id":"forged"')
    await storage.log.append([{ eventId: 'forged', eventType: 'trading_signal', payload: forged }])

    const skipped: SkippedMessage[] = []
    const onSkipped = (message: unknown) => void skipped.push(message as SkippedMessage)
    diagnostics.skipped.subscribe(onSkipped)
    onTestFinished(() => void diagnostics.skipped.unsubscribe(onSkipped))
    expect(prices(await system.getEvents())).toEqual([1])
    expect(skipped.map(({ reason }) => reason)).toEqual([expect.stringContaining('not as it was written')])

    system.registerHandler('*', () => {})
    await system.startConsuming({ group: 'brokers', from: 'start' })
    const [letter] = await waitFor(async () => {
      const letters = await system.deadLetters.list()
      return letters.length > 0 && letters
    })
    expect(letter).toMatchObject({ kind: 'poison', payload: forged })
  })

  it('keeps what a step returned, and how far handlers are, for another process with the keys', async () => {
    const path = keysFile('a')
    const clock = new FakeClock(Date.now())
    const ran: string[] = []
    const consumeOnce = async (isToFail: boolean, options: EventSystemOptions) => {
      const system = await systemWith(path, options)
      system.registerHandler('trading_signal', () => void ran.push('first'), { name: 'first' })
      system.registerHandler(
        'trading_signal',
        async (_, context) => {
          ran.push(await context.once('step', () => `made ${ran.length}`))
          if (isToFail) throw new Error('not yet')
          ran.push('second')
        },
        { name: 'second' }
      )
      await system.startConsuming({ group: 'brokers', from: 'start' })
      return system
    }
    const first = await consumeOnce(true, { clock })
    await first.publishEvent(signal())
    await waitFor(async () => (await first.groups.get('brokers')).retrying === 1)
    await first.close()
    await consumeOnce(false, {})
    await waitFor(() => ran.includes('second'))
    expect(ran).toEqual(['first', 'made 1', 'made 1', 'second'])
  })
})

it.each([
  ['a file that is not there', () => '/nowhere/keys.json', /ENOENT/],
  [
    'a file that others may read, with what to do',
    () => {
      const path = keysFile('a')
      chmodSync(path, 0o640)
      return path
    },
    /mode 640\): chmod 600 /
  ]
])('encryption refuses %s', (_, path, sentence) => {
  const attempt = () => new EventSystem({ environment: { EVENT_ENCRYPTION_KEYS_FILE: path() } })
  expect(attempt).toThrow(
    expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(sentence) })
  )
})

it('encryption refuses EVENT_ENCRYPTION_METADATA without keys', () => {
  expect(() => new EventSystem({ environment: { EVENT_ENCRYPTION_METADATA: 'true' } })).toThrow(/give the keys/)
})
