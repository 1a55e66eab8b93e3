import { type Event, EventSystemError } from '@tradpal/events'
import { expect, test } from 'vitest'
import { EventPublisher } from '../../src/publish/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { signal, signals } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'
import { describeOnEachDatabase, eventIdsIn } from './support/each-database.ts'
import { never, publisherWith, startUnanswered, storeWith } from './support/faults.ts'

/** Time enough for a relay that would look again to have done so. */
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
const away = () => new EventSystemError('log_unavailable', 'The log is away.')

describeOnEachDatabase('a log that is away', (database) => {
  test('leaves the rows where they are, is said once, and gets them in their order when it is back', async () => {
    let isAway = true
    let attempts = 0
    const publisher = publisherWith(new EventPublisher({ storage: database.storage }), () => {
      attempts += 1
      if (isAway) throw away()
    })
    const { logger, logged } = recordingLogger()
    const outbox = database.newOutbox({ publisher, logger })
    const events = signals(20)
    await database.commit(outbox, ...events)
    await outbox.start()
    await waitFor(() => attempts >= 3)
    const stats = await outbox.stats()
    expect(stats).toMatchObject({ waiting: 20, setAside: 0, lastError: { code: 'log_unavailable' } })
    expect(stats.failures).toBeGreaterThanOrEqual(2)

    isAway = false
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
    await waitFor(async () => (await outbox.stats()).failures === 0)
    expect(logged.map(([level, message]) => [level, message])).toEqual([
      ['warn', 'the outbox cannot publish; it waits and tries again'],
      ['info', 'the outbox publishes again']
    ])
  })

  test('is tried again within 5 s, and no earlier for a relay that is woken', async () => {
    const clock = new FakeClock()
    let attempts = 0
    const publisher = {
      async publishBatch() {
        attempts += 1
        throw away()
      }
    }
    const outbox = database.newOutbox({ publisher, clock, leaseMs: 3_600_000 })
    await database.commit(outbox, signal())
    await outbox.start()
    for (let round = 0; round < 12; round++) {
      await waitFor(() => clock.sleeping === 1)
      const before = attempts
      outbox.wake()
      await turns(20)
      expect(attempts).toBe(before)
      await clock.advance(5_000)
      expect(attempts).toBeGreaterThan(before)
    }
  })

  test.each(['log_refused', 'log_read_only', 'log_timeout', 'closed'] as const)(
    '%s is no fault of the event',
    async (code) => {
      let attempts = 0
      const publisher = publisherWith(new EventPublisher({ storage: database.storage }), () => {
        attempts += 1
        if (attempts <= 2) throw new EventSystemError(code, 'Not now.')
      })
      const outbox = database.newOutbox({ publisher })
      const events = signals(3)
      await database.commit(outbox, ...events)
      await outbox.start()
      await waitFor(async () => (await outbox.stats()).waiting === 0)
      expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
    }
  )
})

describeOnEachDatabase('an event that is refused for good', (database) => {
  test('is set aside with its error, holds nobody up, and is published when it is retried', async () => {
    const [before, poison, after] = [signal(), signal('POISON'), signal()]
    let isPoison = true
    const publisher = publisherWith(new EventPublisher({ storage: database.storage }), (events) => {
      if (isPoison && events.some(({ eventId }) => eventId === poison.eventId)) {
        throw new EventSystemError('unknown_event_type', 'There is no such type here.', { index: 1 })
      }
    })
    const { logger, logged } = recordingLogger()
    const outbox = database.newOutbox({ publisher, logger })
    await database.commit(outbox, before, poison, after)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).setAside === 1)
    expect(await outbox.stats()).toMatchObject({ waiting: 0, oldestAgeMs: 0, failures: 0, lastError: null })
    expect(await eventIdsIn(database.storage)).toEqual([before.eventId, after.eventId])
    const [aside] = await outbox.setAsideEvents()
    expect(aside).toMatchObject({
      id: '2',
      eventId: poison.eventId,
      eventType: 'trading_signal',
      refusal: { code: 'unknown_event_type', message: 'There is no such type here.', at: expect.any(Number) }
    })
    expect(logged.map(([level]) => level)).toEqual(['error'])

    isPoison = false
    expect(await outbox.retry(['1', '999'])).toBe(0)
    expect(await outbox.retry([])).toBe(0)
    expect(await outbox.retry(['2'])).toBe(1)
    await waitFor(async () => (await eventIdsIn(database.storage)).length === 3)
    expect(await eventIdsIn(database.storage)).toEqual([before, after, poison].map(({ eventId }) => eventId))
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await outbox.setAsideEvents()).toEqual([])
  })

  test('is found, too, when what stands in its row is no event', async () => {
    const outbox = database.newOutbox()
    const events = signals(3)
    await database.commit(outbox, ...events)
    await database.run(`UPDATE ${database.table} SET payload = '{' WHERE id = 2`)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).setAside === 1)
    expect(await outbox.setAsideEvents()).toMatchObject([{ id: '2', refusal: { code: 'invalid_json' } }])
    expect(await eventIdsIn(database.storage)).toEqual([events[0]?.eventId, events[2]?.eventId])
    expect(await outbox.retry()).toBe(1)
    await waitFor(async () => (await outbox.stats()).setAside === 1)
  })

  test('with an error that may be the log’s is set aside only if the log takes another', async () => {
    const [suspect, other] = [signal(), signal()]
    const publisher = publisherWith(new EventPublisher({ storage: database.storage }), (events) => {
      if (events.some(({ eventId }) => eventId === suspect.eventId)) {
        throw new EventSystemError('log_failed', 'string or blob too big')
      }
    })
    const outbox = database.newOutbox({ publisher })
    await database.commit(outbox, suspect)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).failures >= 2)
    expect(await outbox.stats()).toMatchObject({ waiting: 1, setAside: 0 })
    await database.commit(outbox, other)
    await waitFor(async () => (await outbox.stats()).setAside === 1)
    expect(await eventIdsIn(database.storage)).toEqual([other.eventId])
  })

  test('stands behind what was published before the log went away in the midst of it', async () => {
    const events = signals(4)
    const tried: number[] = []
    let isAway = false
    const publisher = publisherWith(new EventPublisher({ storage: database.storage }), (batch) => {
      tried.push(batch.length)
      if (batch.length > 1) throw new EventSystemError('invalid_data', 'One of them.')
      if (isAway || batch[0]?.eventId === events[2]?.eventId) throw away()
      if (batch[0]?.eventId === events[1]?.eventId) throw new EventSystemError('invalid_data', 'This one.')
    })
    const outbox = database.newOutbox({ publisher })
    await database.commit(outbox, ...events)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).failures >= 2)
    isAway = true
    expect(await outbox.stats()).toMatchObject({ waiting: 2, setAside: 1 })
    expect(await eventIdsIn(database.storage)).toEqual([events[0]?.eventId])
  })

  test.each([[['x']], [['1; DROP TABLE outbox']], [[7 as never]]])(
    'invalid_argument: %j is no list of ids',
    async (ids) => {
      await expect(database.newOutbox().retry(ids)).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(database.newOutbox().setAsideEvents({ limit: 0 })).rejects.toMatchObject({
        code: 'invalid_argument'
      })
    }
  )
})

describeOnEachDatabase('the database fails', (database) => {
  test('after a publish: the row is removed later and the event is not published again, however long that takes', async () => {
    const storage = await database.newLog({ path: `${database.storage.location}-forgetful`, deduplicationWindowMs: 0 })
    let failures = 0
    const store = database.newStore()
    const failing = storeWith(store, {
      async remove(ids) {
        if (failures++ < 3) throw new Error('Connection terminated unexpectedly')
        return store.remove(ids)
      }
    })
    const outbox = database.newOutbox({ store: failing, publisher: new EventPublisher({ storage }) })
    const events = signals(3)
    await database.commit(outbox, ...events)
    await outbox.start()
    await waitFor(() => failures >= 1)
    const next = signal()
    await database.commit(outbox, next)
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(storage)).toEqual([...events, next].map(({ eventId }) => eventId))
    expect((await outbox.stats()).lastError).toMatchObject({
      code: null,
      message: 'Connection terminated unexpectedly'
    })
  })

  test.each(['waiting', 'lease', 'moveLease', 'setAside'] as const)(
    'in %s: the relay goes on when it is back',
    async (step) => {
      let failures = 0
      const store = database.newStore()
      const failing = storeWith(store, {
        [step]: async (...parameters: never[]) => {
          if (failures++ < 2) throw new Error('Connection terminated unexpectedly')
          return (store[step] as (...all: never[]) => unknown)(...parameters)
        }
      })
      const outbox = database.newOutbox({ store: failing })
      const events = signals(3)
      await database.commit(outbox, ...events)
      await database.run(`UPDATE ${database.table} SET payload = '' WHERE id = 2`)
      await outbox
        .start()
        .catch(() => outbox.start())
        .catch(() => outbox.start())
      await waitFor(async () => (await outbox.stats()).setAside === 1)
      await waitFor(async () => (await outbox.stats()).waiting === 0)
      expect(failures).toBeGreaterThan(2)
      expect(await eventIdsIn(database.storage)).toEqual([events[0]?.eventId, events[2]?.eventId])
    }
  )
})

describeOnEachDatabase('a relay that dies', (database) => {
  test.each(['waiting', 'remove', 'moveLease'] as const)(
    'in %s leaves its work to the next: each event is in the log once',
    async (step) => {
      const store = database.newStore()
      const dead = database.newOutbox({ store: storeWith(store, { [step]: () => never }), leaseMs: 100 })
      const events = signals(5)
      await database.commit(dead, ...events)
      startUnanswered(dead)
      await waitFor(async () => (await store.lease()) !== undefined || step === 'moveLease')
      if (step === 'remove') await waitFor(async () => (await eventIdsIn(database.storage)).length === 5)
      const next = database.newOutbox({ leaseMs: 100 })
      await next.start()
      await waitFor(async () => (await next.stats()).waiting === 0)
      expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
    }
  )

  test('in a publish of which the log took everything: each event is in the log once', async () => {
    const real = new EventPublisher({ storage: database.storage })
    const publisher = {
      async publishBatch(events: Parameters<typeof real.publishBatch>[0]) {
        await real.publishBatch(events)
        return never
      }
    }
    const dead = database.newOutbox({ publisher, leaseMs: 100 })
    const events = signals(5)
    await database.commit(dead, ...events)
    await dead.start()
    await waitFor(async () => (await eventIdsIn(database.storage)).length === 5)
    const next = database.newOutbox({ leaseMs: 100 })
    await next.start()
    await waitFor(async () => (await next.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual(events.map(({ eventId }) => eventId))
  })
})

describeOnEachDatabase('an event id that stands for another event in the log', (database) => {
  test('is a duplicate: a warning names it, the others are published, and nothing waits or is set aside', async () => {
    const { logger, logged } = recordingLogger()
    const publisher = new EventPublisher({ storage: database.storage })
    const outbox = database.newOutbox({ publisher, logger })
    const [before, same, after] = signals(3) as [Event, Event, Event]
    await publisher.publishEvent(same)
    const other = { ...same, data: { ...same.data, price: 1_000 } }
    await database.commit(outbox, before, other, after)
    await outbox.start()
    await waitFor(async () => (await outbox.stats()).waiting === 0)
    expect(await eventIdsIn(database.storage)).toEqual([same, before, after].map(({ eventId }) => eventId))
    expect(await outbox.stats()).toMatchObject({ setAside: 0, failures: 0 })
    expect(logged).toEqual([
      [
        'warn',
        'events of the outbox were dropped: their event ids stand for other events',
        { err: expect.objectContaining({ code: 'event_id_conflict', conflicts: [1] }) }
      ]
    ])
  })
})
