import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Event } from '@tradpal/events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { Outbox, sqliteOutbox } from '../../src/outbox/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'
import { eventIdsIn } from './support/each-database.ts'
import { storeWith } from './support/faults.ts'
import { type SpawnedRelay, spawnRelay } from './support/spawn-relay.ts'

let folder: string
let database: DatabaseSync
let storage: SqliteStorage
let outbox: Outbox<Pick<DatabaseSync, 'isTransaction' | 'exec' | 'prepare'>, void>
let relays: SpawnedRelay[] = []
const path = () => join(folder, 'orders.db')
const logPath = () => join(folder, 'log.db')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradpal-outbox-'))
  database = new DatabaseSync(path(), { timeout: 1_000 })
  storage = new SqliteStorage({ path: logPath() })
  await storage.start()
  const publisher = new EventPublisher({ storage })
  outbox = new Outbox({ store: sqliteOutbox(database), publisher, pollMs: 2, leaseMs: 200 })
  await outbox.createTable()
})

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.kill()))
  relays = []
  await outbox.close({ timeoutMs: 0 })
  await storage.close()
  database.close()
  await rm(folder, { recursive: true, force: true })
})

function spawned(mode: 'hang' | 'go'): SpawnedRelay {
  const relay = spawnRelay(path(), logPath(), mode)
  relays.push(relay)
  return relay
}

function commit(...events: Event[]): void {
  database.exec('BEGIN IMMEDIATE')
  for (const event of events) outbox.enqueue(database, event)
  database.exec('COMMIT')
}

const idsOf = (events: readonly Event[]) => events.map(({ eventId }) => eventId)

test.each(['ROLLBACK', 'COMMIT'] as const)(
  'a transaction that stays open over awaits, up to its %s, has no relay in it',
  async (end) => {
    let looks = 0
    const store = sqliteOutbox(database)
    const counting = storeWith(store, {
      waiting(limit) {
        looks += 1
        return store.waiting(limit)
      }
    })
    const relaying = new Outbox({ store: counting, publisher: new EventPublisher({ storage }), pollMs: 2 })
    await relaying.start()
    const [first, within, last] = [signal(), signal(), signal()]
    commit(first)
    await waitFor(async () => (await relaying.stats()).waiting === 0)
    database.exec('BEGIN IMMEDIATE')
    outbox.enqueue(database, within)
    const before = looks
    await waitFor(() => looks > before)
    database.exec(end)
    commit(last)
    await waitFor(async () => (await relaying.stats()).waiting === 0)
    expect(await eventIdsIn(storage)).toEqual(idsOf(end === 'COMMIT' ? [first, within, last] : [first, last]))
    await relaying.close()
  }
)

test('a transaction that is begun while events are on their way is not what removes them', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const real = new EventPublisher({ storage })
  const publisher = {
    async publishBatch(events: readonly Event[]) {
      await real.publishBatch(events)
      database.exec('BEGIN IMMEDIATE')
      answer()
    }
  }
  const relaying = new Outbox({ store: sqliteOutbox(database), publisher, pollMs: 2 })
  commit(signal())
  await relaying.start()
  await answered
  const closing = relaying.close()
  await new Promise((resolve) => setImmediate(resolve))
  database.exec('ROLLBACK')
  expect(await closing).toEqual({ waiting: 0, unfinished: 0 })
  expect(await eventIdsIn(storage)).toHaveLength(1)
})

test('another process that holds the database for a moment is no failure', async () => {
  const other = new DatabaseSync(path())
  const impatient = new DatabaseSync(path())
  let writes = 0
  const counting = {
    isTransaction: false,
    exec: (sql: string) => impatient.exec(sql),
    prepare(sql: string) {
      if (/^(INSERT|DELETE)/.test(sql)) writes += 1
      return impatient.prepare(sql)
    }
  }
  const relaying = new Outbox({ store: sqliteOutbox(counting), publisher: new EventPublisher({ storage }), pollMs: 2 })
  commit(signal())
  other.exec('BEGIN IMMEDIATE')
  await relaying.start()
  await waitFor(() => writes >= 3)
  other.exec('COMMIT')
  await waitFor(async () => (await relaying.stats()).waiting === 0)
  expect(await relaying.stats()).toMatchObject({ failures: 0, lastError: null })
  await relaying.close()
  other.close()
  impatient.close()
})

test('kill -9 between the publish and the removal: each event is in the log once', async () => {
  const events = signals(10)
  commit(...events)
  const killed = spawned('hang')
  await killed.said('published')
  await killed.kill()
  expect((await outbox.stats()).waiting).toBe(10)
  expect(await eventIdsIn(storage)).toEqual(idsOf(events))
  const next = signal()
  commit(next)
  await outbox.start()
  await waitFor(async () => (await outbox.stats()).waiting === 0)
  expect(await eventIdsIn(storage)).toEqual(idsOf([...events, next]))
})

test('relays in several processes, one after the other killed: each event is in the log once, in its order', async () => {
  const events = signals(400)
  spawned('go')
  spawned('go')
  const pages = Array.from({ length: 8 }, (_, i) => events.slice(i * 50, i * 50 + 50))
  for (const [i, page] of pages.entries()) {
    for (const event of page) commit(event)
    await waitFor(async () => (await eventIdsIn(storage)).length > i * 50)
    if (i % 3 !== 1) continue
    await relays[i === 1 ? 0 : 1]?.kill()
    spawned('go')
  }
  await waitFor(async () => (await outbox.stats()).waiting === 0)
  expect(await eventIdsIn(storage)).toEqual(idsOf(events))
}, 30_000)
