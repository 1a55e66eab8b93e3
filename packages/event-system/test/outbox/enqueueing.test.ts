import { type Event, encodeEvent } from '@tradpal/events'
import { expect, test } from 'vitest'
import { runAsCause } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'
import { describeOnEachDatabase, eventIdsIn } from './support/each-database.ts'

describeOnEachDatabase('an event in a transaction', (database) => {
  test('is published when the transaction commits, as publishing it would have, and its row goes', async () => {
    const outbox = database.newOutbox()
    await outbox.start()
    const event = signal('BTC/USDT', 45_000)
    await database.transaction(outbox, async ({ enqueue, run }) => {
      await run('CREATE TABLE orders_of_mine (id INTEGER)')
      await enqueue(event)
    })
    const [entry] = await waitFor(async () => {
      const entries = (await database.storage.log.read({ limit: 10 })).entries
      return entries.length > 0 && entries
    })
    expect(entry?.payload).toBe(encodeEvent(event))
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await database.run(`SELECT * FROM ${database.table}`)).toEqual([])
    await database.run('DROP TABLE orders_of_mine')
  })

  test('is never published when the transaction is rolled back', async () => {
    const outbox = database.newOutbox()
    await outbox.start()
    const rolledBack = database.transaction(outbox, async ({ enqueue }) => {
      await enqueue(signal())
      throw new Error('no such stock')
    })
    await expect(rolledBack).rejects.toThrow('no such stock')
    const committed = signal()
    await database.commit(outbox, committed)
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual([committed.eventId])
  })

  test('waits in the table for a relay, in any process, and says for how long', async () => {
    const clock = { now: () => 1_000_000, sleep: async () => {} }
    const outbox = database.newOutbox({ clock })
    await database.commit(outbox, signal(), signal())
    const later = database.newOutbox({ clock: { ...clock, now: () => 1_004_000 } })
    expect(await later.stats()).toEqual({
      waiting: 2,
      oldestAgeMs: 4_000,
      setAside: 0,
      isRelaying: false,
      failures: 0,
      lastError: null
    })
  })

  test('comes into the log in the order in which it was enqueued, over any number of batches', async () => {
    const outbox = database.newOutbox({ batchSize: 7 })
    const events = signals(120)
    for (let i = 0; i < events.length; i += 40) await database.commit(outbox, ...events.slice(i, i + 40))
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
  })

  test('that is enqueued while another is handled names that one as its cause', async () => {
    const outbox = database.newOutbox()
    const cause = signal()
    await runAsCause(cause, () => database.commit(outbox, signal()))
    await outbox.start()
    const [entry] = await waitFor(async () => {
      const entries = (await database.storage.log.read({ limit: 10 })).entries
      return entries.length > 0 && entries
    })
    const metadata = { correlation_id: cause.eventId, causation_id: cause.eventId }
    expect(JSON.parse(entry?.payload ?? '')).toMatchObject({ metadata })
  })

  test.each([
    ['invalid_data', { ...signal(), data: { symbol: '', signal: 'BUY' } }],
    ['invalid_event', { ...signal(), eventId: '' }],
    ['invalid_event', { ...signal(), timestamp: 'yesterday' }],
    ['unknown_event_type', { ...signal(), eventType: 'trading_signl' }],
    ['not_representable', { ...signal(), metadata: { at: new Date(0) } }]
  ])('%s: one that cannot be published is refused, and the transaction goes on without it', async (code, event) => {
    const outbox = database.newOutbox()
    const accepted = signal()
    await database.transaction(outbox, async ({ enqueue }) => {
      await expect(enqueue(event as never as Event)).rejects.toMatchObject({ code })
      await enqueue(accepted)
    })
    const rows = await database.run(`SELECT event_id FROM ${database.table}`)
    expect(rows).toEqual([{ event_id: accepted.eventId }])
  })

  test('invalid_argument: one that is enqueued outside of a transaction is refused', async () => {
    const outbox = database.newOutbox()
    const enqueued = (async () => outbox.enqueue(database.connection, signal()))()
    await expect(enqueued).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await database.run(`SELECT * FROM ${database.table}`)).toEqual([])
  })

  test('tables are made once, also by several at the same moment', async () => {
    await Promise.all([1, 2, 3].map(() => database.newStore().createTable()))
    await database.commit(database.newOutbox(), signal())
    await database.newOutbox().createTable()
    expect(await database.run(`SELECT * FROM ${database.table}`)).toHaveLength(1)
  })
})
