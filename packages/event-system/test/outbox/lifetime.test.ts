import { EventSystemError } from '@tradpal/events'
import { expect, test } from 'vitest'
import { Outbox, postgresOutbox, postgresOutboxDdl, sqliteOutbox, sqliteOutboxDdl } from '../../src/outbox/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'
import { describeOnEachDatabase, eventIdsIn } from './support/each-database.ts'
import { never, publisherWith, startUnanswered, storeWith } from './support/faults.ts'

describeOnEachDatabase('starting', (database) => {
  test('rejects where the tables are not there, and succeeds when they are', async () => {
    await database.run(`DROP TABLE ${database.table}`)
    const outbox = database.newOutbox()
    await expect(outbox.start()).rejects.toThrow(database.table)
    await outbox.createTable()
    await outbox.start()
    await outbox.start()
    await database.commit(outbox, signal())
    await waitFor(async () => (await outbox.stats()).waiting === 0)
  })

  test('closed: is over after close()', async () => {
    const outbox = database.newOutbox()
    await outbox.close()
    await expect(outbox.start()).rejects.toMatchObject({ code: 'closed' })
  })

  test('publishes at once what is committed before it is woken', async () => {
    const clock = new FakeClock()
    const outbox = database.newOutbox({ clock, pollMs: 1_000 })
    await outbox.start()
    await waitFor(() => clock.sleeping === 1)
    const event = signal()
    await database.commit(outbox, event)
    expect(await eventIdsIn(database.storage)).toEqual([])
    outbox.wake()
    await waitFor(async () => (await eventIdsIn(database.storage)).length === 1)
  })

  test('asks the database once in each pollMs while there is nothing to do, and writes only signs of life', async () => {
    const clock = new FakeClock()
    let looks = 0
    let signs = 0
    const store = database.newStore()
    const counting = storeWith(store, {
      waiting: (limit) => {
        looks += 1
        return store.waiting(limit)
      },
      moveLease: (beat, holder, leaseMs) => {
        signs += 1
        return store.moveLease(beat, holder, leaseMs)
      }
    })
    const outbox = database.newOutbox({ store: counting, clock, pollMs: 100, leaseMs: 10_000 })
    await outbox.start()
    for (let i = 0; i < 100; i++) {
      await waitFor(() => clock.sleeping === 1)
      await clock.advance(100)
    }
    await waitFor(() => looks === 101)
    expect(signs).toBe(6)
  })
})

describeOnEachDatabase('closing', (database) => {
  test('awaits what is on its way, and says what stays in the table', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    let asked = 0
    const publisher = publisherWith(new EventPublisher({ storage: database.storage }), () => {
      asked += 1
      return answered
    })
    const outbox = database.newOutbox({ publisher, batchSize: 2 })
    const events = signals(5)
    await database.commit(outbox, ...events)
    await outbox.start()
    await waitFor(() => asked === 1)
    const closing = outbox.close()
    answer()
    expect(await closing).toEqual({ waiting: 3, unfinished: 0 })
    expect(await outbox.close()).toEqual({ waiting: 3, unfinished: 0 })
    expect(await eventIdsIn(database.storage)).toEqual(events.slice(0, 2).map(({ eventId }) => eventId))
  })

  test('takes no longer than its time, says what was not answered, and touches the table no more', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    let removals = 0
    const real = new EventPublisher({ storage: database.storage })
    const publisher = publisherWith(real, () => answered)
    const store = database.newStore()
    const outbox = database.newOutbox({
      publisher,
      store: storeWith(store, {
        async remove(ids) {
          removals += 1
          return store.remove(ids)
        }
      })
    })
    await database.commit(outbox, signal(), signal())
    await outbox.start()
    await waitFor(async () => (await store.lease()) !== undefined && (await outbox.stats()).isRelaying)
    await waitFor(async () => (await outbox.close({ timeoutMs: 20 })).unfinished === 2)
    answer()
    await waitFor(async () => (await eventIdsIn(database.storage)).length === 2)
    expect(removals).toBe(0)
    expect(await store.standing()).toMatchObject({ waiting: 2 })
  })

  test('ends in time when the database does not answer', async () => {
    const store = storeWith(database.newStore(), { waiting: () => never, standing: () => never })
    const outbox = database.newOutbox({ store: storeWith(store, {}), publisher: { publishBatch: () => never } })
    startUnanswered(outbox)
    expect(await outbox.close({ timeoutMs: 20 })).toEqual({ waiting: null, unfinished: 0 })
  })

  test('is what await using does', async () => {
    const clock = new FakeClock()
    const store = database.newStore()
    {
      await using outbox = new Outbox({ store, publisher: new EventPublisher({ storage: database.storage }), clock })
      await outbox.start()
      await waitFor(() => outbox.stats().then(({ isRelaying }) => isRelaying))
    }
    expect(await store.lease()).toMatchObject({ holder: '' })
    expect(clock.sleeping).toBe(0)
  })

  test.each([-1, Number.NaN, 2 ** 31])('invalid_argument: %d is no time', async (timeoutMs) => {
    await expect(database.newOutbox().close({ timeoutMs })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describeOnEachDatabase('several relays of one table', (database) => {
  test('are one at a time: the next takes over when the first closes', async () => {
    const publishers = new Set<string>()
    const relay = (name: string) =>
      database.newOutbox({
        publisher: publisherWith(new EventPublisher({ storage: database.storage }), () => publishers.add(name)),
        leaseMs: 1_000_000_000
      })
    const [first, second] = [relay('first'), relay('second')]
    await first.start()
    await waitFor(async () => (await first.stats()).isRelaying)
    await second.start()
    const events = signals(50)
    for (const event of events.slice(0, 25)) await database.commit(first, event)
    await waitFor(async () => (await first.stats()).waiting === 0)
    expect([...publishers]).toEqual(['first'])
    expect((await second.stats()).isRelaying).toBe(false)

    await first.close()
    for (const event of events.slice(25)) await database.commit(second, event)
    second.wake()
    await waitFor(async () => (await second.stats()).waiting === 0)
    expect([...publishers]).toEqual(['first', 'second'])
    expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
  })

  test('the next takes over when the lease of one that died is over, and not before', async () => {
    const clock = new FakeClock()
    const store = database.newStore()
    const dead = database.newOutbox({ store: storeWith(store, { waiting: () => never }), clock, leaseMs: 10_000 })
    await database.commit(dead, signal())
    await dead.start()
    await waitFor(async () => (await dead.stats()).isRelaying)
    const next = database.newOutbox({ clock, leaseMs: 10_000 })
    await next.start()
    for (let i = 0; i < 5; i++) {
      await waitFor(() => clock.sleeping === 1)
      expect((await next.stats()).isRelaying).toBe(false)
      await clock.advance(2_000)
    }
    await waitFor(async () => (await next.stats()).waiting === 0)
    expect((await dead.stats()).isRelaying).toBe(false)
  })

  test('one that was stopped in the midst of it does not publish when another has its place', async () => {
    const clock = new FakeClock()
    const store = database.newStore()
    const { promise: goingOn, resolve: goOn } = Promise.withResolvers<void>()
    let published = 0
    const stopped = database.newOutbox({
      clock,
      store: storeWith(store, {
        async waiting(limit) {
          const rows = await store.waiting(limit)
          await goingOn
          return rows
        }
      }),
      publisher: publisherWith(new EventPublisher({ storage: database.storage }), () => published++)
    })
    const event = signal()
    await database.commit(stopped, event)
    await stopped.start()
    await waitFor(async () => (await stopped.stats()).isRelaying)
    await clock.advance(10_000)
    goOn()
    await waitFor(async () => (await stopped.stats()).isRelaying)
    await waitFor(async () => (await stopped.stats()).waiting === 0)
    expect(published).toBe(1)
  })

  test('one whose answer was lost when it took the lease has it all the same', async () => {
    const store = database.newStore()
    let takes = 0
    const outbox = database.newOutbox({
      leaseMs: 1_000_000_000,
      store: storeWith(store, {
        async moveLease(beat, holder, leaseMs) {
          const taken = await store.moveLease(beat, holder, leaseMs)
          if (takes++ === 0) throw new Error('Connection terminated unexpectedly')
          return taken
        }
      })
    })
    await database.commit(outbox, signal())
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).waiting === 0)
  })
})

describeOnEachDatabase('a transaction that commits late', (database) => {
  test('is published, also when events behind it were before', async () => {
    const outbox = database.newOutbox()
    const [late, early, next] = [signal(), signal(), signal()]
    await database.commit(outbox, late, early)
    const [row] = (await database.run(`SELECT payload, event_id FROM ${database.table} WHERE id = 1`)) as [
      { payload: string; event_id: string }
    ]
    await database.run(`DELETE FROM ${database.table} WHERE id = 1`)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    const override = database.kind === 'postgres' ? 'OVERRIDING SYSTEM VALUE' : ''
    await database.run(
      `INSERT INTO ${database.table} (id, event_id, event_type, payload, enqueued_at) ${override}
       VALUES (1, '${row.event_id}', 'trading_signal', '${row.payload}', 0)`
    )
    await database.commit(outbox, next)
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual([early, late, next].map(({ eventId }) => eventId))
  })
})

describeOnEachDatabase('the options', (database) => {
  test.each([
    [{ pollMs: 0 }, 'pollMs must be a whole number from 1 to 2147483647, got 0.'],
    [{ batchSize: 1_001 }, 'batchSize must be a whole number from 1 to 1000, got 1001.'],
    [{ leaseMs: Number.NaN }, 'leaseMs must be a whole number from 100 to 2147483647, got NaN.'],
    [{ publisher: {} as never }, 'publisher must have publishBatch(events).'],
    [{ store: {} as never }, 'store must be sqliteOutbox(…) or postgresOutbox(…).'],
    [{ pollMs: 1.5, batchSize: -1 }, /pollMs must .*\nbatchSize must /]
  ])('invalid_options: %j', (options, sentence) => {
    const make = () => database.newOutbox(options)
    expect(make).toThrow(EventSystemError)
    expect(make).toThrow(sentence)
  })

  test('invalid_options: a table whose name would need quotes, and what is no database', () => {
    const wrong = [
      () => sqliteOutbox(database.connection as never, { table: 'Outbox' }),
      () => postgresOutbox(database.connection as never, { table: 'a.b.c' }),
      () => sqliteOutboxDdl({ table: 'outbox; DROP TABLE orders' }),
      () => postgresOutboxDdl({ table: '' }),
      () => sqliteOutbox(undefined as never),
      () => sqliteOutbox({ prepare: () => {}, inTransaction: false } as never),
      () => postgresOutbox({} as never)
    ]
    for (const make of wrong) expect(make).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  test('the statements that make the tables are those of createTable()', async () => {
    const table = `${database.table}_of_mine`
    const ddl = database.kind === 'postgres' ? postgresOutboxDdl({ table }) : sqliteOutboxDdl({ table })
    for (const statement of ddl.split(';').filter((text) => text.trim() !== '')) await database.run(statement)
    const columns = `SELECT * FROM ${table} UNION ALL SELECT * FROM ${database.table}`
    expect(await database.run(columns)).toEqual([])
    await database.run(`SELECT * FROM ${table}_relay UNION ALL SELECT * FROM ${database.table}_relay`)
  })
})
