import {
  AS_STORED,
  createEvent,
  decodeEvent,
  EventType,
  type JsonObject,
  type StoredEvent,
  stringifyJson
} from '@tradpal/events'
import { expect, it, onTestFinished } from 'vitest'
import { entryOfStamped, plainCodec } from '../../src/codec/index.ts'
import { EventSubscriber } from '../../src/consume/index.ts'
import { EventSystem } from '../../src/event-system.ts'
import type { Storage } from '../../src/log/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { EventStore } from '../../src/store/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { systemOptionsFor } from '../support/log-place.ts'

async function appendWire(storage: Storage, eventType: string, data: JsonObject, metadata: JsonObject = {}) {
  const eventId = crypto.randomUUID()
  const wire = {
    event_type: eventType,
    event_id: eventId,
    timestamp: '2026-11-23T08:49:10.123+00:00',
    source: 'py',
    data
  }
  const event = decodeEvent(stringifyJson({ ...wire, metadata }), AS_STORED)
  const [result] = await storage.log.append([entryOfStamped(event, plainCodec)])
  return { eventId, messageId: result?.messageId ?? '' }
}

const OLD = { symbol: 'X', signal: { action: 'BUY' }, strategy: null }
const NEWEST = { symbol: 'X', strategy: null, signal: 'BUY' }
const WRONG = { symbol: 'X', signal: { strength: 3 } }

describeOnEachLog('a query of what services send that know of no versions', (under) => {
  async function opened() {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const old = await appendWire(storage, 'trading_signal', OLD)
    const wrong = await appendWire(storage, 'trading_signal', WRONG, { causation_id: old.eventId })
    const unknown = await appendWire(storage, 'of_tomorrow', { symbol: 'X' })
    return { storage, store, old, wrong, unknown }
  }

  it('answers the newest form, and of what has none the stored one, and why; it hides nothing', async () => {
    const { store, old, wrong, unknown } = await opened()
    const expected = [
      { messageId: old.messageId, data: NEWEST, metadata: { schema_version: 1 }, valid: true },
      { messageId: wrong.messageId, data: WRONG, valid: false, fault: { pointer: '/data/signal' } },
      { messageId: unknown.messageId, data: { symbol: 'X' }, valid: true }
    ]
    expect(await store.getEvents()).toMatchObject(expected)
    expect(await Array.fromAsync(store.readEvents())).toMatchObject(expected)
    expect(await Array.fromAsync(store.replay())).toMatchObject(expected)
    for (const [i, each] of expected.entries()) {
      expect(await store.getEvent(each.messageId)).toMatchObject(expected[i] as object)
    }
    const [page] = await Array.fromAsync(firstOf(store.follow('start')))
    expect(page?.events).toMatchObject(expected)
    expect(await store.lineage(wrong.messageId)).toMatchObject({ event: expected[1], causes: [expected[0]] })
    const event = await store.getEvent(wrong.messageId)
    expect(event?.valid === false && event.fault.message).toMatch(
      /^data\.signal of a trading_signal must be string, got an object\.$/
    )
  })

  it('answers each event as it is stored when it is asked for raw', async () => {
    const { store, old, wrong } = await opened()
    const raw = true
    const data = [OLD, WRONG, { symbol: 'X' }]
    const all = (events: readonly StoredEvent[]) => events.map((event) => event.data)
    expect(all(await store.getEvents({ raw }))).toEqual(data)
    expect(all(await Array.fromAsync(store.readEvents({ raw })))).toEqual(data)
    expect(all(await Array.fromAsync(store.replay({ raw })))).toEqual(data)
    expect(all((await Array.fromAsync(firstOf(store.follow('start', { raw }))))[0]?.events ?? [])).toEqual(data)
    const first = await store.getEvent(old.messageId, { raw })
    expect(first?.data).toEqual(OLD)
    expect(Object.keys(first ?? {})).not.toContain('valid')
    expect((await store.lineage(wrong.messageId, { raw })).causes.map((cause) => cause.data)).toEqual([OLD])
  })

  it('finds an event by the symbol of its newest form, in either form', async () => {
    const { storage, store } = await opened()
    await appendWire(storage, 'trading_signal', { signal: { symbol: 'DEEP', action: 'BUY' } })
    expect(await store.getEvents({ symbol: 'DEEP' })).toMatchObject([{ data: { symbol: 'DEEP' } }])
    expect(await store.getEvents({ symbol: 'DEEP', raw: true })).toMatchObject([
      { data: { signal: { symbol: 'DEEP' } } }
    ])
  })

  it('replays to registered handlers, and passes typed ones over where the data are invalid, with a warning', async () => {
    const { storage } = await opened()
    const warnings: object[] = []
    const logger = { debug() {}, info() {}, warn: (fields: object) => void warnings.push(fields), error() {} }
    const whole = { ...logger, child: () => whole }
    const subscriber = new EventSubscriber({ storage, logger: whole as never })
    const handled: unknown[] = []
    subscriber.registerHandler('trading_signal', ({ data }) => void handled.push(['typed', data]))
    subscriber.registerHandler('*', ({ data }) => void handled.push(['all', data]))
    const store = new EventStore({ storage })
    await store.replayEvents({ eventType: 'trading_signal', raw: true }, (event) => subscriber.handleReplayed(event))
    await store.replayEvents({ eventType: 'trading_signal', raw: true }, (event) => subscriber.handleReplayed(event))
    const once = [
      ['typed', NEWEST],
      ['all', OLD],
      ['all', WRONG]
    ]
    expect(handled).toEqual([...once, ...once])
    expect(warnings).toMatchObject([{ eventType: 'trading_signal', count: 1 }])
  })
})

describeOnEachLog('the name that an event was sent under', (under) => {
  it('is what is stored, and either name finds it', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const publisher = new EventPublisher({ storage })
    const sent = createEvent('backtest_complete', { total_return: 0.1 })
    const current = createEvent(EventType.BACKTEST_COMPLETED, {})
    const byHand = { ...createEvent(EventType.BACKTEST_COMPLETED, {}), eventType: 'backtest_complete' }
    await publisher.publishBatch([sent, current, byHand])
    const names = (await storage.log.read({ limit: 10 })).entries.map(
      ({ payload }) => JSON.parse(payload ?? '').event_type
    )
    expect(names).toEqual(['backtest_complete', 'backtest_completed', 'backtest_complete'])
    for (const eventType of ['backtest_complete', 'backtest_completed']) {
      const found = await store.getEvents({ eventType })
      expect(found.map((event) => event.eventType)).toEqual(Array(3).fill('backtest_completed'))
      expect(found.map(({ wireType }) => wireType)).toEqual(['backtest_complete', undefined, 'backtest_complete'])
    }
    expect((await storage.log.read({ limit: 10, eventTypes: ['backtest_completed'] })).entries).toHaveLength(3)
  })

  it('is refused where it is the name of another type', async () => {
    const publisher = new EventPublisher({ storage: await under.open() })
    const forged = { ...createEvent('system_health', {}), wireType: 'order_executed' }
    await expect(publisher.publishEvent(forged)).rejects.toMatchObject({
      code: 'invalid_event',
      pointer: '/event_type'
    })
  })
})

describeOnEachLog('an integer of any size', (under) => {
  const TIME = 1700000000123456789n

  it('is kept digit by digit from the publisher to a query, a handler, and a step', async () => {
    const system = new EventSystem({ environment: {}, ...systemOptionsFor(under.place) })
    await system.initialize()
    onTestFinished(async () => void (await system.close()))
    const handled: unknown[] = []
    system.registerHandler('market_data_update' as string, async ({ data, metadata }, context) => {
      const step = await context.once('kept', () => ({ at: data.at }))
      const again = await context.once('kept', () => ({ at: 0n }))
      handled.push(data.at, metadata.at, step.at, again.at)
      context.publish(createEvent('risk_alert', { value: data.at as never }))
    })
    await system.startConsuming({ group: 'g', from: 'start' })
    const event = createEvent(
      'market_data_update' as string,
      { symbol: 'X', at: TIME },
      { metadata: { at: [-(TIME ** 9n)] } }
    )
    const messageId = await system.publishEvent(event)
    const stored = (await system.storage.log.get([messageId]))[0]?.payload
    expect(stored).toContain('"data":{"symbol":"X","at":1700000000123456789}')
    expect(stored).toContain(`"metadata":{"at":[${-(TIME ** 9n)}]}`)
    expect(await system.getEvents({ eventType: 'market_data_update' })).toEqual([{ ...event, messageId, valid: true }])
    await expect.poll(() => system.getEvents({ eventType: 'risk_alert' })).toMatchObject([{ data: { value: TIME } }])
    expect(handled).toEqual([TIME, [-(TIME ** 9n)], TIME, TIME])
  })
})

async function* firstOf<T>(pages: AsyncGenerator<T>): AsyncGenerator<T> {
  for await (const page of pages) {
    yield page
    return
  }
}
