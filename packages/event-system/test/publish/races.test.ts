import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, decodeEvent, EventSystemError, systemClock } from '@tradpal/events'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Log, Storage } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { EventPublisher, type EventPublisherOptions } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, signals, withFaults } from '../support/events.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradpal-races-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function sqliteLog(name = 'log.db'): Promise<SqliteStorage> {
  const storage = new SqliteStorage({ path: join(folder, name) })
  await storage.start()
  onTestFinished(() => storage.close())
  return storage
}

async function publisherOn(storage: Storage, options: Partial<EventPublisherOptions> = {}): Promise<EventPublisher> {
  const publisher = new EventPublisher({ storage, ...options })
  await publisher.start()
  onTestFinished(() => publisher.close())
  return publisher
}

function spoolIn(store: Storage = new SqliteStorage({ path: join(folder, 'spool.db') })) {
  return { store, maxBytes: 1_000_000 }
}

async function eventIdsOf(storage: Storage): Promise<string[]> {
  const entries = (await storage.log.read({ limit: 10_000 })).entries
  return entries.map(({ payload }) => decodeEvent(payload ?? '').eventId)
}

async function isSpoolEmpty(publisher: EventPublisher): Promise<boolean> {
  return (await publisher.state()).spool?.events === 0
}

class DownError extends EventSystemError {
  constructor() {
    super('log_unavailable', 'The log is away.')
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A log whose appends do, one after the other, what they are told to; and what it was asked to append. */
function scripted(storage: Storage) {
  const calls: { readonly eventIds: readonly string[]; succeed(): void; fail(error: Error): void }[] = []
  const append: Log['append'] = async (entries, options) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    calls.push({ eventIds: entries.map(({ eventId }) => eventId), succeed: resolve, fail: reject })
    await promise
    return await storage.log.append(entries, options)
  }
  return { calls, storage: withFaults(storage, { append }) }
}

describe('a batch that fails while others are on their way', () => {
  test('is sent again when the last of them was taken, and before anything that waits', async () => {
    const { calls, storage } = scripted(await sqliteLog())
    const publisher = await publisherOn(storage, { random: () => 0 })
    const events = signals(3)
    const publishing: Promise<unknown>[] = []
    for (const event of events.slice(0, 2)) {
      publishing.push(publisher.publish(event))
      await waitFor(() => calls.length === publishing.length)
    }
    calls[0]?.fail(new DownError())
    await turn()
    publishing.push(publisher.publish(events[2] as (typeof events)[number]))
    await turn()
    calls[1]?.succeed()
    await waitFor(() => calls.length === 3)
    calls[2]?.succeed()
    await Promise.all(publishing)
    expect(calls.map(({ eventIds }) => eventIds)).toEqual([
      [events[0]?.eventId],
      [events[1]?.eventId],
      [events[0]?.eventId, events[2]?.eventId]
    ])
  })

  test('is answered although nothing comes after it, and close() waits for that', async () => {
    const { calls, storage } = scripted(await sqliteLog())
    const publisher = new EventPublisher({ storage })
    const publishing = [publisher.publish(signal())]
    await waitFor(() => calls.length === 1)
    publishing.push(publisher.publish(signal()))
    await waitFor(() => calls.length === 2)
    calls[0]?.fail(new DownError())
    await turn()
    calls[1]?.succeed()
    const closing = publisher.close()
    await waitFor(() => calls.length === 3)
    calls[2]?.succeed()
    await closing
    expect((await Promise.all(publishing)).map(({ status }) => status)).toEqual(['published', 'published'])
  })
})

test('close() ends when all that it waited for was refused', async () => {
  const { storage } = switchable(await sqliteLog())
  const publisher = new EventPublisher({ storage, timeoutMs: 100 })
  const publishing = publisher.publish(signal())
  const closing = publisher.close()
  await expect(publishing).rejects.toMatchObject({ code: 'log_unavailable' })
  await closing
})

/** A log that is away until it is not. */
function switchable(storage: Storage) {
  const state = { isDown: true, appends: 0 }
  const append: Log['append'] = (entries, options) => {
    state.appends++
    return state.isDown ? Promise.reject(new DownError()) : storage.log.append(entries, options)
  }
  const ping: Storage['ping'] = () => (state.isDown ? Promise.reject(new DownError()) : storage.ping())
  return { state, storage: withFaults(storage, { append, ping }) }
}

/** The spool's own log, whose disk is full whenever something says so. */
function fullStore(isFull: { append: boolean; remove: boolean }): Storage {
  const store = new SqliteStorage({ path: join(folder, 'spool.db') })
  const full = () => Promise.reject(new EventSystemError('log_full', 'The disk is full.'))
  return withFaults(store, {
    append: (entries, options) => (isFull.append ? full() : store.log.append(entries, options)),
    remove: (messageIds) => (isFull.remove ? full() : store.log.remove(messageIds))
  })
}

describe('a spool whose disk is full', () => {
  test('and empty does not keep publishes from a log that answers again', async () => {
    const { state, storage } = switchable(await sqliteLog())
    const isFull = { append: true, remove: false }
    const publisher = await publisherOn(storage, { spool: spoolIn(fullStore(isFull)), timeoutMs: 1_000 })
    await expect(publisher.publish(signal())).rejects.toMatchObject({ code: 'log_full', retryable: true })
    await waitFor(async () => {
      await publisher.publish(signal()).catch(() => {})
      return !(await publisher.state()).isLogTaking
    })
    state.isDown = false
    const { status } = await waitFor(() => publisher.publish(signal()), { timeoutMs: 3_000, what: 'a publish' })
    expect(status).toBe('published')
  })

  test('when it is to forget what is in the log is asked again: nothing is stuck, and no key stays behind', async () => {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    const isFull = { append: false, remove: true }
    const publisher = await publisherOn(storage, { spool: spoolIn(fullStore(isFull)), timeoutMs: 200 })
    const event = signal()
    expect((await publisher.publish(event)).status).toBe('spooled')
    state.isDown = false
    await waitFor(async () => (await eventIdsOf(real)).includes(event.eventId))
    expect(await isSpoolEmpty(publisher)).toBe(false)
    isFull.remove = false
    await waitFor(() => isSpoolEmpty(publisher), { timeoutMs: 3_000, what: 'the spool being empty' })
    expect((await publisher.publish(signal())).status).toBe('published')
    expect(await eventIdsOf(real)).toHaveLength(2)
  })
})

describe('an event whose publish was answered with log_timeout', () => {
  test('and that is published again, into the spool, is in the log once, however long the outage is', async () => {
    const deduplicationWindowMs = 300
    const real = new SqliteStorage({ path: join(folder, 'log.db'), deduplicationWindowMs })
    await real.start()
    onTestFinished(() => real.close())
    let state: 'up' | 'down' | 'up again' = 'up'
    const storage = withFaults(real, {
      append: async (entries, options) => {
        if (state === 'down') throw new DownError()
        if (state === 'up again') return await real.log.append(entries, options)
        state = 'down'
        await real.log.append(entries, options)
        throw new EventSystemError('log_timeout', 'The answer was lost.')
      }
    })
    const publisher = await publisherOn(storage, { spool: spoolIn(), deduplicationWindowMs, timeoutMs: 100 })
    const event = signal()
    await expect(publisher.publish(event, { spool: 'never' })).rejects.toMatchObject({ code: 'log_timeout' })
    expect((await publisher.publish(event)).status).toBe('spooled')
    await new Promise((resolve) => setTimeout(resolve, 2 * deduplicationWindowMs))
    state = 'up again'
    await waitFor(() => isSpoolEmpty(publisher), { timeoutMs: 3_000, what: 'the spool being empty' })
    expect(await eventIdsOf(real)).toEqual([event.eventId])
  })
})

test('a process that was frozen until another took its spool, puts nothing more there, and says so', async () => {
  const { state, storage } = switchable(await sqliteLog())
  let isFrozen = false
  const sleep: Clock['sleep'] = (ms, stop) => systemClock.sleep(isFrozen ? 60_000 : ms, stop)
  const frozen = await publisherOn(storage, { spool: spoolIn(), clock: { ...systemClock, sleep }, timeoutMs: 200 })
  isFrozen = true
  const other = await waitFor(() => publisherOn(storage, { spool: spoolIn(), timeoutMs: 200 }))
  isFrozen = false
  state.isDown = true
  await expect(frozen.publish(signal())).rejects.toMatchObject({ code: 'log_busy', retryable: true })
  expect((await other.publish(signal())).status).toBe('spooled')
  expect((await other.state()).spool).toMatchObject({ events: 1 })
})
