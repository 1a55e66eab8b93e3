import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent, EventSystemError, EventType } from '@tradpal/events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import type { EventSystemOptions } from '../../src/configuration/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import { EventSystem } from '../../src/event-system.ts'
import type { Log } from '../../src/log/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal, signals, withFaults } from '../support/events.ts'
import { newLog } from '../support/log-place.ts'

const never = () => new Promise<never>(() => {})

describeOnEachLog('an event system', (under) => {
  const systemOver = (options: EventSystemOptions = {}) =>
    new EventSystem({ environment: {}, storage: newLog(under.place), ...options })

  async function opened(options?: EventSystemOptions) {
    const system = systemOver(options)
    await system.initialize()
    return system
  }

  /** Every call that needs the log. */
  const calls: readonly [string, (system: EventSystem) => unknown][] = [
    ['publish()', (system) => system.publish(signal())],
    ['publishEvent()', (system) => system.publishEvent(signal())],
    ['publishBatch()', (system) => system.publishBatch([signal()])],
    ['startConsuming()', (system) => system.startConsuming()],
    ['replayEvents()', (system) => system.replayEvents()],
    ['getEvents()', (system) => system.getEvents()],
    ['readEvents()', (system) => Array.fromAsync(system.readEvents())],
    ['readStream()', (system) => Array.fromAsync(system.readStream('account-7'))],
    ['getEventStats()', (system) => system.getEventStats()]
  ]

  it('publishes, reads, replays and counts between initialize() and close()', async () => {
    await using system = await opened()
    const [one, ...others] = signals(3)
    const event = one as (typeof others)[number]
    const receipt = await system.publish(event)
    expect(receipt).toEqual({
      status: 'published',
      messageId: receipt.messageId,
      eventId: event.eventId,
      duplicate: false
    })
    expect(await system.publish(event)).toEqual({ ...receipt, duplicate: true })
    expect(await system.publishEvent(event)).toBe(receipt.messageId)
    expect(await system.publishBatch(others)).toHaveLength(2)
    expect((await system.getEvents({ limit: 1, startTime: 0 }))[0]).toEqual({
      ...event,
      messageId: receipt.messageId,
      valid: true
    })
    expect(await Array.fromAsync(system.readEvents({ eventType: 'trading_signal' }))).toHaveLength(3)
    expect(await system.replayEvents({}, () => {})).toBe(3)
    expect(await system.getEventStats()).toMatchObject({
      length: 3,
      log: system.storage.kind,
      location: system.storage.location
    })
  })

  it('replays to the registered handlers when no other is given', async () => {
    await using system = await opened()
    await system.publishBatch([signal('AAPL'), createEvent(EventType.RISK_ALERT, { message: 'drawdown' })])
    const handled: string[] = []
    system.registerHandler(EventType.TRADING_SIGNAL, (event, context) => {
      handled.push(`${event.data.symbol} ${context.group}`)
    })
    expect(await system.replayEvents()).toBe(2)
    expect(handled).toEqual(['AAPL replay'])
  })

  it('refuses every call before initialize()', async () => {
    const system = systemOver()
    for (const [name, call] of calls) {
      await expect((async () => call(system))(), name).rejects.toMatchObject({
        code: 'not_started',
        message: `${name} came before initialize(); await system.initialize() first.`
      })
    }
    await system.close()
  })

  it('refuses every call after close()', async () => {
    const system = await opened()
    await system.close()
    for (const [name, call] of calls) {
      await expect((async () => call(system))(), name).rejects.toMatchObject({
        code: 'closed',
        message: `${name} came after close().`
      })
    }
    await expect(system.initialize()).rejects.toMatchObject({ code: 'closed' })
  })

  it('is initialized once, however often and at once it is asked to', async () => {
    let starts = 0
    const storage = newLog(under.place)
    const counted = withFaults(storage, { start: () => storage.start().finally(() => starts++) })
    await using system = systemOver({ storage: counted })
    await Promise.all([system.initialize(), system.initialize()])
    await system.initialize()
    await system.publishEvent(signal())
    expect(starts).toBe(1)
  })

  it('stays closed when it is closed while it initializes', async () => {
    const system = systemOver()
    const initializing = system.initialize()
    const refused = expect(initializing).rejects.toMatchObject({ code: 'closed' })
    await system.close()
    await refused
    await expect(system.getEventStats()).rejects.toMatchObject({ code: 'closed' })
  })

  it('closes once, says what it left, and does so at the end of its scope', async () => {
    const storage = newLog(under.place)
    let closes = 0
    const system = await opened({
      storage: withFaults(storage, { close: () => storage.close().finally(() => closes++) })
    })
    expect(await Promise.all([system.close(), system.close()])).toEqual(Array(2).fill({ handedBack: 0, unfinished: 0 }))
    expect(await system.close()).toEqual({ handedBack: 0, unfinished: 0 })
    expect(closes).toBe(1)
    let scoped: EventSystem
    {
      await using inScope = await opened()
      scoped = inScope
    }
    await expect(scoped.getEventStats()).rejects.toMatchObject({ code: 'closed' })
    const unused = systemOver()
    expect(await unused.close()).toEqual({ handedBack: 0, unfinished: 0 })
  })

  it('is done with what was accepted when it is closed', async () => {
    const storage = newLog(under.place)
    const append: Log['append'] = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return storage.log.append(...args)
    }
    const system = await opened({ storage: withFaults(storage, { append }) })
    const published = Promise.all(signals(500).map((event) => system.publishEvent(event)))
    await system.close()
    expect(new Set(await published).size).toBe(500)
  })

  it('lets a handler that runs finish its work with it, and nobody else begin', async () => {
    const system = await opened()
    const begun = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const results: unknown[] = []
    system.registerHandler(EventType.TRADING_SIGNAL, async () => {
      begun.resolve()
      await goOn.promise
      results.push(await system.publishEvent(createEvent(EventType.RISK_ALERT, { message: 'late' })))
      results.push((await system.getEvents({ eventType: EventType.RISK_ALERT })).length)
    })
    await system.startConsuming({ group: 'brokers', from: 'start' })
    await system.publishEvent(signal())
    await begun.promise
    const closing = system.close()
    await expect(system.publishEvent(signal())).rejects.toMatchObject({ code: 'closed' })
    goOn.resolve()
    expect(await closing).toEqual({ handedBack: 0, unfinished: 0 })
    expect(results).toEqual([expect.any(String), 1])
  })

  it('waits for a handler as long as it is told, and says that it left it', async () => {
    const system = await opened()
    const begun = Promise.withResolvers<AbortSignal>()
    system.registerHandler(EventType.TRADING_SIGNAL, (_, context) => {
      begun.resolve(context.signal)
      return never()
    })
    await system.startConsuming({ group: 'brokers', from: 'start' })
    await system.publishBatch(signals(3))
    const signalOfHandler = await begun.promise
    const started = performance.now()
    expect(await system.close({ timeoutMs: 100 })).toMatchObject({ unfinished: 1 })
    expect(performance.now() - started).toBeGreaterThanOrEqual(95)
    expect(performance.now() - started).toBeLessThan(8_000)
    expect(signalOfHandler.aborted).toBe(true)
  })

  it('closes in its time though an append is never answered', async () => {
    const storage = newLog(under.place)
    const system = await opened({ storage: withFaults(storage, { append: never }) })
    void system.publishEvent(signal())
    const started = performance.now()
    expect(await system.close({ timeoutMs: 100 })).toEqual({ handedBack: 0, unfinished: 0 })
    expect(performance.now() - started).toBeLessThan(8_000)
    await expect(storage.ping()).rejects.toMatchObject({ code: 'closed' })
  })

  it('closes in its time, and says so, though the log answers nothing', async () => {
    const storage = newLog(under.place)
    const group = Object.assign(storage.queue('brokers'), { read: never })
    const mute = withFaults(storage, { append: never, close: never, queue: () => group })
    const system = await opened({ storage: mute })
    system.registerHandler('*', () => {})
    await system.startConsuming({ group: 'brokers' })
    void system.publishEvent(signal())
    const started = performance.now()
    await expect(system.close({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'log_timeout',
      message: expect.stringContaining(storage.location)
    })
    expect(performance.now() - started).toBeLessThan(8_000)
    await storage.close()
  })

  it('refuses a time to close in that is none, and closes nothing', async () => {
    await using system = await opened()
    for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      await expect(system.close({ timeoutMs })).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    await system.publishEvent(signal())
  })

  it('is healthy while its log answers, and says why when it is not open', async () => {
    const system = systemOver()
    const { kind, location } = system.storage
    const shut = { kind, location, reachable: false, latencyMs: null, reason: 'The event system is not open.' }
    const publishing = { isLogTaking: true, inFlight: { events: 0, bytes: 0 } }
    const rest = { groupReasons: [], warnings: [], consumers: 0, publishing }
    const notOpen = { status: 'unhealthy', reasons: [shut.reason], log: shut, ...rest }
    expect(await system.healthCheck()).toEqual(notOpen)
    await system.initialize()
    const latencyMs = expect.any(Number)
    expect(await system.healthCheck()).toEqual({
      status: 'healthy',
      reasons: [],
      log: { kind, location, reachable: true, latencyMs },
      ...rest,
      warnings: expect.any(Array)
    })
    system.registerHandler('*', () => {})
    const consumer = await system.startConsuming({ group: 'brokers' })
    expect(await system.healthCheck()).toMatchObject({ consumers: 1 })
    await consumer.close()
    expect(await system.healthCheck()).toMatchObject({ consumers: 0 })
    await system.close()
    expect(await system.healthCheck()).toEqual(notOpen)
  })

  it('is unhealthy, with the reason, when its log does not answer', async () => {
    const ping = () => Promise.reject(new EventSystemError('log_unavailable', 'The log is away.'))
    await using system = await opened({ storage: withFaults(newLog(under.place), { ping }) })
    expect(await system.healthCheck()).toMatchObject({
      status: 'unhealthy',
      log: { reachable: false, latencyMs: null, reason: 'The log is away.' }
    })
  })

  it('is degraded when its log answers slowly', async () => {
    const ping = () => new Promise<void>((resolve) => setTimeout(resolve, 1_050))
    await using system = await opened({ storage: withFaults(newLog(under.place), { ping }) })
    expect(await system.healthCheck()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringMatching(/^The log took \d+ ms to answer, 1000 or more\.$/)],
      log: { reachable: true }
    })
  })

  it('is degraded, and says which group it is, beyond a bound of lag or of dead letters', async () => {
    const clock = new FakeClock()
    await using system = await opened({ clock, healthMaxLagMs: 100, healthMaxDeadLetters: 1 })
    const [lagging, failing] = [system.storage.queue('lagging'), system.storage.queue('failing')]
    await system.publishBatch([signal(), signal()])
    await Promise.all([lagging.create('start'), failing.create('start')])
    const deliveries = await failing.read('one', { limit: 2, waitMs: 0 })
    const error = { message: 'No.', at: 0 }
    const dead = await new DeadLetters({ storage: system.storage }).prepare(
      deliveries.map(({ messageId, payload }) => {
        const about = { group: 'failing', consumer: 'one', handler: 'desk', eventType: 'trading_signal' }
        const state = { kind: 'rejected', amended: false, attempts: 1, requeues: 0 } as const
        return { ...about, ...state, messageId, payload, firstError: error, lastError: error }
      })
    )
    for (const [i, { messageId, attempt }] of deliveries.entries()) {
      const acknowledge = [{ group: 'failing', consumer: 'one', messageId, attempt }]
      await system.storage.commit([{ acknowledge, write: dead[i]?.writes ?? [] }])
    }
    const reasons = async () => {
      await clock.advance(5_000)
      return (await system.healthCheck()).reasons
    }
    const tooMany = 'The group failing has 2 dead letters, more than 1.'
    await waitFor(async () => (await reasons()).length === 2)
    expect(await reasons()).toEqual([
      expect.stringMatching(/^The group lagging lags \d+(\.\d)? s behind, more than 0\.1\.$/),
      tooMany
    ])
    const { status, groupReasons, reasons: all } = await system.healthCheck()
    expect({ status, groupReasons }).toEqual({ status: 'degraded', groupReasons: all })
    await lagging.read('one', { limit: 2, waitMs: 0 })
    expect(await reasons()).toEqual([tooMany])
    for (const { id } of (await system.deadLetters.list()).slice(0, 1)) {
      await system.deadLetters.discard(id, { by: 'test', reason: 'seen' })
    }
    expect(await reasons()).toEqual([])
  })

  it('is degraded while a handler hangs on one event, though all are handed out', async () => {
    const clock = new FakeClock()
    await using system = await opened({ clock, healthMaxLagMs: 60_000, healthMaxPendingMs: 50 })
    const group = system.storage.queue('hanging')
    await group.create('start')
    await system.publishEvent(signal())
    const handed = await group.read('one', { limit: 1, waitMs: 0 })
    const reasons = async () => {
      await clock.advance(5_000)
      return (await system.healthCheck()).reasons
    }
    await waitFor(async () => (await reasons()).length === 1)
    const sentence = /^The group hanging has not acknowledged an event that is \d+(\.\d)? s old, more than 0\.1\.$/
    expect(await reasons()).toEqual([expect.stringMatching(sentence)])
    expect((await system.healthCheck()).status).toBe('degraded')
    await group.acknowledge('one', handed)
    expect(await reasons()).toEqual([])
  })

  it('looks at the groups at most every five seconds, however often it is asked', async () => {
    const clock = new FakeClock()
    let looks = 0
    const storage = newLog(under.place)
    const info = () => {
      looks++
      return storage.log.info()
    }
    await using system = await opened({ storage: withFaults(storage, { info }), clock, healthMaxLagMs: 1_000 })
    await Promise.all([system.healthCheck(), system.healthCheck(), system.healthCheck()])
    expect(looks).toBe(1)
    await clock.advance(5_000)
    await system.healthCheck()
    expect(looks).toBe(2)
  })
})

describe('an event system over a log that was not there', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tradpal-facade-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('may be initialized again once the file is one (sqlite)', async () => {
    const logPath = join(folder, 'events.db')
    await writeFile(logPath, 'This is no log, and long enough to be seen as none.'.repeat(100))
    await using system = new EventSystem({ logPath, environment: {} })
    await expect(system.initialize()).rejects.toMatchObject({ code: 'log_incompatible' })
    await expect(system.publishEvent(signal())).rejects.toMatchObject({ code: 'not_started' })
    await rm(logPath)
    await system.initialize()
    expect(await system.publishEvent(signal())).toEqual(expect.any(String))
  })

  it('may be initialized again once the server is there, and is unhealthy while it is stopped (redis)', async () => {
    const port = await freePort()
    await using system = new EventSystem({ redisUrl: `redis://127.0.0.1:${port}`, environment: {} })
    await expect(system.initialize()).rejects.toMatchObject({ code: 'log_unavailable', retryable: true })
    const server = await startRedis({ port })
    try {
      await system.initialize()
      expect(await system.healthCheck()).toMatchObject({ status: 'healthy' })
      await server.kill()
      expect(await system.healthCheck()).toMatchObject({
        status: 'unhealthy',
        log: { reachable: false, reason: expect.stringContaining(`127.0.0.1:${port}`) }
      })
      await server.restart()
      await waitFor(async () => (await system.healthCheck()).status === 'healthy')
    } finally {
      await server.stop()
    }
  })
})
