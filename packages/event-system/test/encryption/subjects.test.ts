import { createEvent } from '@tradpal/events'
import { expect, it } from 'vitest'
import type { EventSystem } from '../../src/index.ts'
import { type Collections, Documents, type Storage } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal, withFaults } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, prices, signalOf, systemOver } from './systems.ts'

/** The log with collections that answer when a test lets them. */
function withGate(storage: Storage) {
  const gate = Promise.withResolvers<void>()
  const get: Collections['get'] = async (...of) => {
    await gate.promise
    return storage.collections.get(...of)
  }
  const collections = new Proxy(storage.collections, {
    get: (target, name) => (name === 'get' ? get : Reflect.get(target, name).bind(target))
  })
  return { gate, storage: withFaults(storage, { collections }) }
}

describeOnEachLog('a key of its own for each customer', (under) => {
  const system = () => systemOver(under, { encryption: { keysFile: keysFile('a'), keyFor: customerOf } })
  const reader = () => systemOver(under, { encryption: { keysFile: keysFile('a') } })

  it('encrypts their events, is named by none of their names, and has them read by who has the ring', async () => {
    const writer = await system()
    await writer.publishBatch([signalOf('NAME-1', 1), signalOf('NAME-2', 2), signal('AAPL', 3), signalOf('NAME-1', 4)])
    const storage = await under.open()
    const payloads = (await storage.log.read({ limit: 10 })).entries.map(({ payload }) => payload ?? '')
    const ids = payloads.map((payload) => /,subject=([\w-]{43}),/.exec(payload)?.[1])
    expect(new Set(ids).size).toBe(3)
    expect([ids[0], ids[2]]).toEqual([ids[3], undefined])
    const kept = await new Documents(storage).all('subject-keys')
    expect(kept.map(({ id }) => id).toSorted()).toEqual([ids[0], ids[1]].toSorted())
    expect(JSON.stringify([payloads, kept])).not.toMatch(/NAME/)

    expect(prices(await (await reader()).getEvents())).toEqual([1, 2, 3, 4])
    const strangers = await systemOver(under, { encryption: { keysFile: keysFile('other') } })
    expect(await strangers.getEvents()).toEqual([])
  })

  it('is made once, whoever publishes first', async () => {
    const writers = await Promise.all(Array.from({ length: 4 }, () => system()))
    await Promise.all(writers.map((writer, i) => writer.publishEvent(signalOf('new', i))))
    expect(prices(await (await reader()).getEvents()).toSorted()).toEqual([0, 1, 2, 3])
    expect(await new Documents(await under.open()).all('subject-keys')).toHaveLength(1)
  })

  it('keeps the order in which one caller publishes, be it that the first waits for a new key', async () => {
    const { gate, storage } = withGate(await under.open())
    const writer = await systemOver(under, { storage, encryption: { keysFile: keysFile('a'), keyFor: customerOf } })
    const first = signalOf('new', 1)
    const calls = [
      writer.publishEvent(first),
      writer.publishEvent(signal('AAPL', 2)),
      writer.publishBatch([signalOf('newer', 3), signal('AAPL', 4)]),
      writer.publishEvent(signal('AAPL', 5)),
      writer.transaction((unit) => unit.publish(signalOf('new', 6)))
    ]
    Object.assign(first.data, { price: 77 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await storage.log.read({ limit: 10 })).entries).toEqual([])
    gate.resolve()
    await Promise.all(calls)
    expect(prices(await (await reader()).getEvents())).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('asks the log nothing where no event has a customer', async () => {
    const asked: unknown[] = []
    const storage = await under.open()
    const collections = new Proxy(storage.collections, {
      get:
        (target, name) =>
        (...of: unknown[]) => {
          asked.push([name, ...of])
          return (Reflect.get(target, name) as (...of: unknown[]) => unknown).apply(target, of)
        }
    })
    const encryption = { keysFile: keysFile('a'), keyFor: customerOf }
    const writer = await systemOver(under, { storage: withFaults(storage, { collections }), encryption })
    await writer.publishEvent(signal())
    await writer.getEvents()
    expect(asked).toEqual([])
    await writer.publishEvent(signalOf('one'))
    await writer.getEvents()
    expect(asked.length).toBeGreaterThan(0)
  })

  for (const ordering of ['none', 'key'] as const) {
    it(`is brought for consumers, in order (ordering: ${ordering})`, async () => {
      const events = Array.from({ length: 300 }, (_, i) => signalOf(`customer-${i % 150}`, i))
      await (await system()).publishBatch(events)
      const consuming = await reader()
      const handled: unknown[] = []
      consuming.registerHandler('trading_signal', (event) => void handled.push(event.data.price))
      await consuming.startConsuming({ from: 'start', ordering, ...(ordering === 'key' && { key: () => 'one' }) })
      await waitFor(() => handled.length === 300)
      const inOrder = ordering === 'key' ? handled : handled.toSorted((a, b) => Number(a) - Number(b))
      expect(inOrder).toEqual(prices(events))
      expect((await consuming.healthCheck()).status).toBe('healthy')
    })
  }

  it('is brought for what handlers publish, which follows from the event as ever', async () => {
    const handling = await system()
    handling.registerHandler('trading_signal', (event, context) => {
      context.publish({ ...createEvent('system_health'), data: { customer: `of ${event.data.price}` } })
    })
    await handling.startConsuming({ from: 'start', group: 'g' })
    const [causeId] = (await handling.publish(signal('AAPL', 7))).eventId.split(' ')
    const effect = await waitFor(async () => (await handling.getEvents({ eventType: 'system_health' }))[0])
    expect(effect).toMatchObject({ data: { customer: 'of 7' }, metadata: { causation_id: causeId } })
    expect(await new Documents(await under.open()).all('subject-keys')).toHaveLength(1)
  })

  it('refuses a customer that is no name, and says which event of a batch has it', async () => {
    const writer = await system()
    await expect(writer.publishEvent(signalOf(''))).rejects.toMatchObject({ code: 'invalid_data' })
    await expect(writer.publishBatch([signal(), signalOf('n'.repeat(201))])).rejects.toMatchObject({
      code: 'invalid_data',
      index: 1,
      message: expect.not.stringContaining('nnn')
    })
    expect(await writer.getEvents()).toEqual([])
  })

  it('that is not among those of the log is no reason to wait: the event is poison', async () => {
    const storage = await under.open()
    const data = { $encoded: `1;data;aes-256-gcm,subject=${'x'.repeat(43)},salt=AAAA;AAAA` }
    await storage.log.append([
      {
        eventId: 'slipped-in',
        eventType: 'trading_signal',
        payload: JSON.stringify({
          event_type: 'trading_signal',
          event_id: 'slipped-in',
          timestamp: '2026-11-26T00:00:00.000+00:00',
          source: '',
          data,
          metadata: {}
        })
      }
    ])
    const consuming: EventSystem = await reader()
    consuming.registerHandler('*', () => {})
    await consuming.startConsuming({ from: 'start' })
    await waitFor(async () => (await consuming.deadLetters.count({ kind: 'poison' })) === 1)
  })
})
