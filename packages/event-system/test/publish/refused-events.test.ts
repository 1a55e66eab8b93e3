import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEvent, type Event, EventSystemError } from '@tradpal/events'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type EventCodec, plainCodec } from '../../src/codec/index.ts'
import type { Log, Storage } from '../../src/log/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import {
  discardRefused,
  EventPublisher,
  type EventPublisherOptions,
  readRefused,
  readSpool
} from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { keysFile } from '../encryption/keys-in-file.ts'
import { systemOver } from '../encryption/systems.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, withFaults } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradpal-refused-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function priced(event: Event, price: number): Event {
  return { ...event, data: { ...event.data, price } }
}

function spoolFile(options: { deduplicationWindowMs?: number } = {}): SqliteStorage {
  return new SqliteStorage({ path: join(folder, 'spool.db'), ...options })
}

/** A log that takes nothing until it is told to. */
function switchable(storage: Storage) {
  const state = { isDown: true }
  const unlessDown = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> =>
      state.isDown ? Promise.reject(new EventSystemError('log_unavailable', 'The log is away.')) : call(...args)
  }
  const faults = {
    append: unlessDown((...args: Parameters<Log['append']>) => storage.log.append(...args)),
    ping: unlessDown(() => storage.ping()),
    get: unlessDown((messageIds: readonly string[]) => storage.log.get(messageIds))
  }
  return { state, storage: withFaults(storage, faults) }
}

async function publisherOn(storage: Storage, options: Partial<EventPublisherOptions> = {}): Promise<EventPublisher> {
  const spool = { store: spoolFile(), maxBytes: 1_000_000 }
  const publisher = new EventPublisher({ storage, timeoutMs: 200, spool, ...options })
  await publisher.start()
  onTestFinished(() => publisher.close())
  return publisher
}

const standing = async (publisher: EventPublisher) => (await publisher.state()).spool
const isEmpty = async (publisher: EventPublisher) => (await standing(publisher))?.events === 0
const untilEmpty = (publisher: EventPublisher) => waitFor(() => isEmpty(publisher), { what: 'the spool being empty' })

async function pricesIn(storage: Storage): Promise<unknown[]> {
  const entries = (await storage.log.read({ limit: 1_000 })).entries
  return entries.map(({ payload }) => decodeEvent(payload ?? '').data.price)
}

/** Another look at the file, as of another process. */
async function onFile<Result>(look: (store: Storage) => Promise<Result>): Promise<Result> {
  const store = spoolFile()
  await store.start()
  return look(store).finally(() => store.close())
}

const refusedOnFile = () => onFile((store) => Array.fromAsync(readRefused(store)))

describeOnEachLog('an event of the spool whose id stands for another event in the log', (logs) => {
  test('is refused, and told to the operator; what was spooled before it, with it and behind it comes into the log', async () => {
    const real = await logs.open()
    const { state, storage } = switchable(real)
    const { logger, logged } = recordingLogger()
    const first = signal('AAPL', 1)
    const [messageId] = await append(real, first)
    const publisher = await publisherOn(storage, { logger })
    expect(await publisher.publish(signal('AAPL', 2))).toMatchObject({ status: 'spooled' })
    const batch = await publisher.publishAll([signal('AAPL', 3), priced(first, 99), signal('AAPL', 4)])
    await publisher.publish(signal('MSFT', 5))
    state.isDown = false
    await untilEmpty(publisher)
    expect(await pricesIn(real)).toEqual([1, 2, 3, 4, 5])
    expect(await standing(publisher)).toMatchObject({ events: 0, spooled: 5, drained: 4, refused: 1 })
    const [refused, ...others] = await refusedOnFile()
    expect(others).toEqual([])
    expect(refused).toMatchObject({
      id: `${batch[0]?.messageId.replace('spool:', '')}:1`,
      eventId: first.eventId,
      eventType: 'trading_signal',
      firstMessageId: messageId,
      reason: expect.stringMatching(/was published before, as .*, with another type or other data/)
    })
    expect(decodeEvent(refused?.payload ?? '').data.price).toBe(99)
    expect(
      logged.filter(([level]) => level === 'error').map(([, message, details]) => [message, details])
    ).toContainEqual([
      'an event of the spool was refused: its event id stands for another event in the log',
      { eventId: first.eventId, eventType: 'trading_signal', messageId }
    ])
  })

  test('is no conflict when it is the same event: it counts as drained', async () => {
    const real = await logs.open()
    const { state, storage } = switchable(real)
    const first = signal('AAPL', 1)
    await append(real, first)
    const publisher = await publisherOn(storage)
    await publisher.publish({ ...first, source: 'another', metadata: { attempt: 2 } })
    state.isDown = false
    await untilEmpty(publisher)
    expect(await standing(publisher)).toMatchObject({ drained: 1, refused: 0 })
    expect(await pricesIn(real)).toEqual([1])
  })

  test('is compared by what it says where events are encrypted', async () => {
    const real = await logs.open()
    const { state, storage } = switchable(real)
    const encryption = { keysFile: keysFile('a') }
    const writer = await systemOver(logs, { encryption })
    const [same, other] = [signal('AAPL', 1), signal('AAPL', 2)]
    await writer.publishBatch([same, other])
    const spoolPath = join(folder, 'spool.db')
    const system = await systemOver(logs, { storage, encryption, spoolPath, timeoutMs: 200 })
    await system.publish({ ...same, source: 'another' })
    await system.publish(priced(other, 99))
    state.isDown = false
    await waitFor(async () => (await system.getEventStats()).spool?.events === 0)
    expect((await system.getEventStats()).spool).toMatchObject({ drained: 1, refused: 1 })
    const [refused] = await refusedOnFile()
    expect(refused?.eventId).toBe(other.eventId)
    expect(refused?.payload).not.toContain('"price"')
    expect((await writer.getEvents()).map(({ data }) => data.price)).toEqual([1, 2])
  })
})

async function sqliteLog(options: { deduplicationWindowMs?: number } = {}): Promise<SqliteStorage> {
  const storage = new SqliteStorage({ path: join(folder, 'log.db'), ...options })
  await storage.start()
  onTestFinished(() => storage.close())
  return storage
}

describe('an event id that comes again while the log is away', () => {
  test('is put once for the same event; another event under it is put as well, and refused when the log has the first', async () => {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    const publisher = await publisherOn(storage)
    const event = signal('AAPL', 1)
    const first = await publisher.publish(event)
    expect(first).toMatchObject({ status: 'spooled', duplicate: false })
    const again = { ...event, source: 'another' }
    expect(await publisher.publish(again)).toEqual({ ...first, duplicate: true })
    const [other, same] = await Promise.all([publisher.publish(priced(event, 2)), publisher.publish(again)])
    expect(other).toMatchObject({ status: 'spooled', duplicate: false })
    expect(same).toMatchObject({ messageId: first.messageId, duplicate: true })
    expect(await standing(publisher)).toMatchObject({ events: 2 })
    state.isDown = false
    await untilEmpty(publisher)
    expect(await pricesIn(real)).toEqual([1])
    expect((await refusedOnFile()).map(({ payload }) => decodeEvent(payload).data.price)).toEqual([2])
  })

  test('is put as well when nobody can tell now whether it is the same event', async () => {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    let isLocked = true
    const decode: EventCodec['decode'] = (payload) => {
      if (isLocked) throw new EventSystemError('key_missing', 'The key is in the log.')
      return plainCodec.decode(payload)
    }
    const publisher = await publisherOn(storage, { codec: { ...plainCodec, decode } })
    const event = signal('AAPL', 1)
    await publisher.publish(event)
    expect(await publisher.publish(priced(event, 2))).toMatchObject({ status: 'spooled', duplicate: false })
    isLocked = false
    state.isDown = false
    await untilEmpty(publisher)
    expect(await pricesIn(real)).toEqual([1])
    expect(await standing(publisher)).toMatchObject({ drained: 1, refused: 1 })
  })

  test('after the first was brought into the log, is in the log once for the same event, and refused for another, however long the outage is', async () => {
    const deduplicationWindowMs = 300
    const real = await sqliteLog({ deduplicationWindowMs })
    const { state, storage } = switchable(real)
    const spool = { store: spoolFile(), maxBytes: 1_000_000 }
    const publisher = await publisherOn(storage, { spool, deduplicationWindowMs, timeoutMs: 100 })
    const event = signal('AAPL', 1)
    await publisher.publish(event)
    state.isDown = false
    await untilEmpty(publisher)
    state.isDown = true
    expect(await publisher.publish({ ...event, source: 'another' })).toMatchObject({ status: 'spooled' })
    expect(await publisher.publish(priced(event, 2))).toMatchObject({ status: 'spooled' })
    await new Promise((resolve) => setTimeout(resolve, 2 * deduplicationWindowMs))
    state.isDown = false
    await untilEmpty(publisher)
    expect(await pricesIn(real)).toEqual([1])
    expect(await standing(publisher)).toMatchObject({ refused: 1 })
  })
})

describe('a crash while an event is refused', () => {
  type Fault = 'the append' | 'the refusal' | 'the removal'
  const crashes = (['the append', 'the refusal', 'the removal'] as const).flatMap((fault) => [
    ['before', fault] as const,
    ['behind', fault] as const
  ])

  /** From the fault on nothing more is written: the process is dead, as far as the disk and the log know. */
  function dying(when: 'before' | 'behind', fault: Fault) {
    const state = { isDead: false }
    const step = <Args extends unknown[], Result>(
      name: Fault | undefined,
      call: (...args: Args) => Promise<Result>
    ) => {
      return async (...args: Args): Promise<Result> => {
        const isFault = name === fault
        if (state.isDead || (isFault && when === 'before')) state.isDead = true
        if (state.isDead) throw new EventSystemError('log_unavailable', 'The process is dead.')
        const result = await call(...args)
        if (!isFault) return result
        state.isDead = true
        throw new EventSystemError('log_unavailable', 'The process is dead.')
      }
    }
    return { state, step }
  }

  test.each(crashes)('%s %s leaves each event in the log or among the refused, once', async (when, fault) => {
    const real = await sqliteLog()
    const { state: death, step } = dying(when, fault)
    const { state, storage } = switchable(
      withFaults(real, { append: (entries, options) => step('the append', () => real.log.append(entries, options))() })
    )
    const first = signal('AAPL', 1)
    await append(real, first)
    const file = spoolFile()
    const store = withFaults(file, {
      append: (entries, options) => {
        const isRefusal = entries.some(({ eventType }) => eventType === 'refused')
        return step(isRefusal ? 'the refusal' : undefined, () => file.log.append(entries, options))()
      },
      remove: step('the removal', (ids: readonly string[]) => file.log.remove(ids))
    })
    const before = await publisherOn(storage, { spool: { store, maxBytes: 1_000_000 } })
    const publishing = [signal('AAPL', 2), priced(first, 99), signal('AAPL', 3)].map((event) => before.publish(event))
    const receipts = await Promise.all(publishing)
    expect(receipts.map(({ status }) => status)).toEqual(['spooled', 'spooled', 'spooled'])
    state.isDown = false
    await waitFor(() => death.isDead)
    await before.close()
    const after = await publisherOn(real)
    await untilEmpty(after)
    expect(await pricesIn(real)).toEqual([1, 2, 3])
    expect((await refusedOnFile()).map(({ payload }) => decodeEvent(payload).data.price)).toEqual([99])
    expect(await standing(after)).toMatchObject({ refused: 1 })
    const again = await onFile((store) => store.log.read({ limit: 10, eventTypes: ['refused'] }))
    expect(again.entries).toHaveLength(1)
  })

  test('that is written twice, since the window of the spool has passed, counts once and is discarded whole', async () => {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    const first = signal('AAPL', 1)
    await append(real, first)
    const publisher = await publisherOn(storage)
    await publisher.publish(priced(first, 2))
    state.isDown = false
    await untilEmpty(publisher)
    const [refused] = await refusedOnFile()
    await publisher.close()
    await onFile((store) =>
      store.log.append([{ eventId: 'again', eventType: 'refused', payload: JSON.stringify(refused) }])
    )
    expect(await refusedOnFile()).toHaveLength(1)
    const next = await publisherOn(storage)
    expect(await standing(next)).toMatchObject({ refused: 1 })
    expect(await onFile((store) => discardRefused(store, [refused?.id ?? '']))).toBe(1)
    expect(await refusedOnFile()).toEqual([])
    expect(await standing(next)).toMatchObject({ refused: 0, bytes: 0 })
  })
})

describe('the refused events of a spool', () => {
  /** A publisher with refused events of these prices. */
  async function withRefused(...prices: number[]) {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    const first = signal('AAPL', 1)
    await append(real, first)
    const publisher = await publisherOn(storage)
    for (const price of prices) await publisher.publishAll([priced(first, price), signal('MSFT', price)])
    state.isDown = false
    await untilEmpty(publisher)
    return { publisher, storage, state, first }
  }

  test('are there after a restart, take room in the spool, and are no part of what waits there', async () => {
    const { publisher, storage, state } = await withRefused(2, 3)
    const before = await standing(publisher)
    expect(before).toMatchObject({ events: 0, refused: 2, bytes: expect.any(Number) })
    await publisher.close()
    expect(await onFile((store) => Array.fromAsync(readSpool(store)))).toEqual([])
    const maxBytes = before?.bytes ?? 0
    const next = await publisherOn(storage, { spool: { store: spoolFile(), maxBytes } })
    expect(await standing(next)).toMatchObject({ events: 0, refused: 2, bytes: maxBytes })
    state.isDown = true
    await expect(next.publish(signal('AAPL', 4))).rejects.toMatchObject({ code: 'spool_full' })
    const ids = (await refusedOnFile()).map(({ id }) => id)
    await onFile((store) => discardRefused(store, ids))
    expect(await next.publish(signal('AAPL', 4))).toMatchObject({ status: 'spooled' })
  })

  test('are discarded by their ids, by another process too; an id that is not there discards nothing', async () => {
    const { publisher } = await withRefused(2, 3, 4)
    const [two, three] = (await refusedOnFile()).map(({ id }) => id) as [string, string]
    await expect(onFile((store) => discardRefused(store, [two, 'none']))).rejects.toMatchObject({ code: 'not_found' })
    expect(await standing(publisher)).toMatchObject({ refused: 3 })
    expect(await onFile((store) => discardRefused(store, [three, two, two]))).toBe(2)
    expect(await standing(publisher)).toMatchObject({ refused: 1 })
    expect((await refusedOnFile()).map(({ payload }) => decodeEvent(payload).data.price)).toEqual([4])
  })

  test('are not kept from the list by an event whose id is named as one of them', async () => {
    const real = await sqliteLog()
    const { state, storage } = switchable(real)
    const first = signal('AAPL', 1)
    await append(real, first)
    const publisher = await publisherOn(storage)
    const { messageId } = await publisher.publish(priced(first, 2))
    const id = `${messageId.replace('spool:', '')}:0`
    await publisher.publish({ ...signal('AAPL', 3), eventId: id })
    await publisher.publish({ ...signal('AAPL', 4), eventId: `refused:${id}` })
    state.isDown = false
    await untilEmpty(publisher)
    expect((await refusedOnFile()).map((event) => event.id)).toEqual([id])
    expect(await pricesIn(real)).toEqual([1, 3, 4])
  })
})
