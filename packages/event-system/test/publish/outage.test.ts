import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEvent, EventSystemError } from '@tradpal/events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import type { Log, Storage } from '../../src/log/index.ts'
import { RedisStorage } from '../../src/log/redis/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { EventPublisher, type EventPublisherOptions } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, signals, withFaults } from '../support/events.ts'

let folder: string
let server: RedisServer
let count = 0
beforeAll(async () => {
  server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
})
afterAll(() => server.stop())
beforeEach(async () => {
  count++
  folder = await mkdtemp(join(tmpdir(), 'tradpal-outage-'))
})
afterEach(async () => {
  server.resume()
  await server.restart()
  await rm(folder, { recursive: true, force: true })
})

async function redisLog(port = server.port, deduplicationWindowMs = 120_000): Promise<RedisStorage> {
  const url = `redis://127.0.0.1:${port}`
  const storage = new RedisStorage({ url, streamName: `outage_${count}`, deduplicationWindowMs })
  await storage.start()
  onTestFinished(() => storage.close({ timeoutMs: 100 }))
  return storage
}

async function publisherOn(storage: Storage, options: Partial<EventPublisherOptions> = {}): Promise<EventPublisher> {
  const publisher = new EventPublisher({ storage, ...options })
  await publisher.start()
  onTestFinished(() => publisher.close())
  return publisher
}

function spoolIn(name = 'spool.db', maxBytes = 1_000_000) {
  return { store: new SqliteStorage({ path: join(folder, name) }), maxBytes }
}

async function eventIdsOf(storage: Storage): Promise<string[]> {
  const entries = (await storage.log.read({ limit: 10_000 })).entries
  return entries.map(({ payload }) => decodeEvent(payload ?? '').eventId)
}

async function isSpoolEmpty(publisher: EventPublisher): Promise<boolean> {
  return (await publisher.state()).spool?.events === 0
}

describe('a publish while the log is away', () => {
  test('is tried again within its time: those under way when Redis restarts are in the log, in order and once', async () => {
    const storage = await redisLog()
    const publisher = await publisherOn(storage, { timeoutMs: 10_000 })
    await publisher.publishEvent(signal())
    const events = signals(200)
    const publishing = Promise.all(
      events.map(async (event, i) => {
        await new Promise((resolve) => setTimeout(resolve, i))
        // Once the circuit is open a publish is refused at once: its caller tries again.
        for (;;) {
          const done = await publisher.publish(event).catch(({ retryable }) => !retryable)
          if (done) return done
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })
    )
    await server.kill()
    await server.restart()
    await publishing
    const stored = (await eventIdsOf(storage)).slice(1)
    expect(new Set(stored)).toEqual(new Set(events.map(({ eventId }) => eventId)))
    expect(stored).toHaveLength(events.length)
  })

  test('whose answer was lost is asked about: it resolves to the one entry that there is', async () => {
    const proxy = await TcpProxy.before(server.port)
    onTestFinished(() => proxy.close())
    const storage = await redisLog(proxy.port)
    const direct = await redisLog()
    const publisher = await publisherOn(storage, { timeoutMs: 10_000 })
    await publisher.publishEvent(signal())
    proxy.loseAnswers()
    const event = signal()
    const publishing = publisher.publish(event)
    await waitFor(async () => (await eventIdsOf(direct)).includes(event.eventId))
    proxy.cutOff()
    proxy.mend()
    const { messageId, status } = await publishing
    expect(status).toBe('published')
    const entries = (await direct.log.read({ limit: 10 })).entries
    expect(entries.map((entry) => entry.messageId)).toEqual([entries[0]?.messageId, messageId])
  })

  test('whose answer is lost until its time is up rejects with log_timeout, though later errors were others', async () => {
    const proxy = await TcpProxy.before(server.port)
    onTestFinished(() => proxy.close())
    const publisher = await publisherOn(await redisLog(proxy.port), { timeoutMs: 400 })
    await publisher.publishEvent(signal())
    proxy.loseAnswers()
    const publishing = publisher.publish(signal())
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.cutOff()
    await expect(publishing).rejects.toMatchObject({ code: 'log_timeout', retryable: true })
  })

  test('is refused at once, unsent, when most calls have failed, until one succeeds', async () => {
    const real = await redisLog()
    let isDown = true
    let calls = 0
    const append: Log['append'] = (entries, options) => {
      calls++
      return isDown ? Promise.reject(new DownError()) : real.log.append(entries, options)
    }
    const publisher = await publisherOn(withFaults(real, { append }))
    await expect(publisher.publishEvent(signal())).rejects.toMatchObject({ code: 'log_unavailable' })
    const callsToOpen = calls
    expect(callsToOpen).toBeGreaterThanOrEqual(5)
    expect((await publisher.state()).isLogTaking).toBe(false)
    const refused = await Promise.allSettled(signals(100).map((event) => publisher.publishEvent(event)))
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true)
    expect(calls).toBe(callsToOpen)
    isDown = false
    await waitFor(() => publisher.publishEvent(signal()).catch(() => false))
    expect((await publisher.state()).isLogTaking).toBe(true)
  })
})

class DownError extends EventSystemError {
  constructor() {
    super('log_unavailable', 'The log is away.')
  }
}

describe('a publisher with a spool', () => {
  test('keeps what is published while Redis is down, and brings it into the log, in order and once, when it is back', async () => {
    const storage = await redisLog()
    const publisher = await publisherOn(storage, { spool: spoolIn(), timeoutMs: 1_000 })
    const before = signal()
    await publisher.publishEvent(before)
    await server.kill()
    const during = signals(500)
    const receipts = []
    for (const event of during) receipts.push(await publisher.publish(event))
    expect(receipts.every(({ status, messageId }) => status === 'spooled' && messageId.startsWith('spool:'))).toBe(true)
    const { spool } = await publisher.state()
    expect(spool).toMatchObject({ events: 500, spooled: 500, drained: 0 })
    expect(spool?.oldestMs).toBeGreaterThan(0)
    await server.restart()
    await waitFor(() => isSpoolEmpty(publisher))
    expect(await eventIdsOf(storage)).toEqual([before, ...during].map(({ eventId }) => eventId))
    expect((await publisher.state()).spool).toMatchObject({ events: 0, bytes: 0, spooled: 500, drained: 500 })
    expect((await publisher.publish(signal())).status).toBe('published')
  })

  test('keeps a batch together, and a hung Redis does not hold a publish beyond its time', async () => {
    const storage = await redisLog()
    const publisher = await publisherOn(storage, { spool: spoolIn(), timeoutMs: 300 })
    await publisher.publishEvent(signal())
    server.pause()
    const batch = signals(20)
    const receipts = await publisher.publishAll(batch)
    expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['spooled']))
    server.resume()
    await waitFor(() => isSpoolEmpty(publisher))
    expect((await eventIdsOf(storage)).slice(1)).toEqual(batch.map(({ eventId }) => eventId))
  })

  test('lets no event of a key overtake those of it in the spool; others go into the log', async () => {
    const real = await redisLog()
    const mayPass = Promise.withResolvers<void>()
    const append: Log['append'] = async (entries, options = {}) => {
      if (!entries.some(({ payload }) => payload.includes('"AAPL"'))) return real.log.append(entries, options)
      const isTime = new Promise((_, reject) =>
        setTimeout(reject, options.timeoutMs, new EventSystemError('log_timeout', 'No answer.'))
      )
      await Promise.race([mayPass.promise, isTime])
      return real.log.append(entries, options)
    }
    const publisher = await publisherOn(withFaults(real, { append }), { spool: spoolIn(), timeoutMs: 200 })
    const first = signal('AAPL', 1)
    expect((await publisher.publish(first)).status).toBe('spooled')
    const second = signal('AAPL', 2)
    const receipts = await Promise.all([
      publisher.publish(second),
      publisher.publish(signal('MSFT', 2)),
      publisher.publish(signal('AAPL', 3), { spool: 'never' }).catch(({ code }) => ({ status: code }))
    ])
    expect(receipts.map(({ status }) => status)).toEqual(['spooled', 'published', 'log_unavailable'])
    mayPass.resolve()
    await waitFor(() => isSpoolEmpty(publisher))
    const ofApple = (await real.log.read({ limit: 100 })).entries
      .map(({ payload }) => decodeEvent(payload ?? ''))
      .filter(({ data }) => data.symbol === 'AAPL')
    expect(ofApple.map(({ eventId }) => eventId)).toEqual([first.eventId, second.eventId])
  })

  test('refuses with spool_full what is more than it may hold, and keeps what it has', async () => {
    const storage = await redisLog()
    let isDown = true
    const append: Log['append'] = (entries, options) =>
      isDown ? Promise.reject(new DownError()) : storage.log.append(entries, options)
    const publisher = await publisherOn(withFaults(storage, { append }), { spool: spoolIn('small.db', 2_000) })
    const events = signals(50)
    const results = await Promise.allSettled(events.map((event) => publisher.publish(event)))
    const kept = events.filter((_, i) => results[i]?.status === 'fulfilled')
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(kept.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    for (const one of refused) expect(one).toMatchObject({ reason: { code: 'spool_full', retryable: true } })
    isDown = false
    await waitFor(() => isSpoolEmpty(publisher))
    expect(await eventIdsOf(storage)).toEqual(kept.map(({ eventId }) => eventId))
  })

  test.each([
    ['recognises', 120_000],
    ['looks in the log for', 50]
  ])(
    'after a crash between the append and the removal from the spool it %s what is there already',
    async (_, windowMs) => {
      const storage = await redisLog(server.port, windowMs)
      let isDown = true
      const append: Log['append'] = (entries, options) =>
        isDown ? Promise.reject(new DownError()) : storage.log.append(entries, options)
      const { store, maxBytes } = spoolIn()
      const remove = () => Promise.reject(new EventSystemError('log_failed', 'The process dies here.'))
      const dying = new EventPublisher({
        storage: withFaults(storage, { append }),
        spool: { store: withFaults(store, { remove }), maxBytes },
        deduplicationWindowMs: windowMs
      })
      await dying.start()
      const events = signals(20)
      await Promise.all(events.map((event) => dying.publish(event)))
      isDown = false
      await waitFor(async () => (await eventIdsOf(storage)).length === 20)
      await dying.close()
      await new Promise((resolve) => setTimeout(resolve, 2 * Math.min(windowMs, 100)))
      const next = await publisherOn(storage, { spool: spoolIn(), deduplicationWindowMs: windowMs })
      expect((await next.state()).spool?.events).toBe(20)
      await waitFor(() => isSpoolEmpty(next))
      expect(await eventIdsOf(storage)).toEqual(events.map(({ eventId }) => eventId))
    }
  )

  test('what a crash left in the spool comes into the log at the next start, before what is new of its keys', async () => {
    const storage = await redisLog()
    const append = () => Promise.reject(new DownError())
    const first = new EventPublisher({ storage: withFaults(storage, { append }), spool: spoolIn() })
    await first.start()
    const before = signals(30)
    await Promise.all(before.map((event) => first.publish(event)))
    await first.close()
    const next = await publisherOn(storage, { spool: spoolIn() })
    const after = signals(30)
    await Promise.all(after.map((event) => next.publish(event)))
    await waitFor(() => isSpoolEmpty(next))
    expect(await eventIdsOf(storage)).toEqual([...before, ...after].map(({ eventId }) => eventId))
  })

  test('is refused its spool while another process has it, and gets it when that is gone', async () => {
    const storage = await redisLog()
    const first = new EventPublisher({ storage, spool: spoolIn() })
    await first.start()
    const second = new EventPublisher({ storage, spool: spoolIn() })
    const refused = await second.start().catch((error) => error)
    expect(refused).toMatchObject({ code: 'log_busy' })
    expect(refused.message).toMatch(/Another process uses the spool/)
    await first.close()
    await second.start()
    await second.close()
  })
})
