import { createEvent, type Event, EventType, encodeEvent, type StoredEvent } from '@tradpal/events'
import { expect, it } from 'vitest'
import { type EventCodec, plainCodec } from '../../src/codec/index.ts'
import { EventStore } from '../../src/store/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

function caused(by: { eventId: string } | undefined, eventId: string = crypto.randomUUID()): Event {
  const metadata = by === undefined ? {} : { causation_id: by.eventId }
  return createEvent(EventType.RISK_ALERT, { message: 'it follows' }, { eventId, metadata })
}

const ids = (events: readonly StoredEvent[]) => events.map(({ eventId }) => eventId)

describeOnEachLog('the lineage of an event', (under) => {
  it('has its causes, the first first, and its effects in log order, and nobody else', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const price = caused(undefined)
    const sibling = caused(price)
    const trade = caused(price)
    const order = caused(trade)
    const report = caused(order)
    const alert = caused(trade)
    const stranger = caused({ eventId: 'somebody else' })
    const family = [price, sibling, trade, order, report, alert]
    const [priceId = '', , tradeId = '', , reportId = ''] = await append(storage, ...family, stranger)

    const ofTrade = await store.lineage(tradeId)
    expect(ofTrade.event).toEqual({ ...trade, messageId: tradeId, valid: true })
    expect(ids(ofTrade.causes)).toEqual([price.eventId])
    expect(ids(ofTrade.effects)).toEqual([order, report, alert].map(({ eventId }) => eventId))
    expect(ofTrade.complete).toBe(true)

    const ofPrice = await store.lineage(priceId)
    expect([ofPrice.causes.length, ofPrice.effects.length, ofPrice.complete]).toEqual([0, 5, true])
    const ofReport = await store.lineage(reportId)
    expect(ids(ofReport.causes)).toEqual([price, trade, order].map(({ eventId }) => eventId))
    expect([ofReport.effects.length, ofReport.complete]).toEqual([0, true])
  })

  it('reaches over many pages, entries that are no events among them', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const price = caused(undefined)
    const trade = caused(price)
    const order = caused(trade)
    await append(storage, price, ...signals(1_998))
    await storage.log.append([{ eventId: 'x', eventType: 'risk_alert', payload: `{"causation_id":"${trade.eventId}"` }])
    const [tradeId = ''] = await append(storage, trade)
    await append(storage, ...signals(2_500), order)
    const { causes, effects, complete } = await store.lineage(tradeId)
    expect([ids(causes), ids(effects), complete]).toEqual([[price.eventId], [order.eventId], true])
  })

  it.each([null, 7])('ends at an event whose causation_id is %j, which names no event', async (id) => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const cause = { ...caused(undefined), metadata: { causation_id: id } }
    const effect = caused(cause as Event)
    const entries = [cause, effect].map((event) => ({
      eventId: event.eventId,
      eventType: event.eventType,
      payload: encodeEvent(event as Event)
    }))
    const [causeId = '', effectId = ''] = (await storage.log.append(entries)).map(({ messageId }) => messageId)
    const ofCause = await store.lineage(causeId)
    expect([ids(ofCause.causes), ids(ofCause.effects), ofCause.complete]).toEqual([[], [effect.eventId], true])
    const ofEffect = await store.lineage(effectId)
    expect([ids(ofEffect.causes), ofEffect.complete]).toEqual([[cause.eventId], true])
  })

  it('is incomplete when a cause is not in the log', async () => {
    const storage = await under.open()
    const [messageId = ''] = await append(storage, caused({ eventId: 'trimmed' }))
    expect(await new EventStore({ storage }).lineage(messageId)).toMatchObject({
      causes: [],
      effects: [],
      complete: false
    })
  })

  it('names no event as its own cause', async () => {
    const storage = await under.open()
    const [messageId = ''] = await append(storage, caused({ eventId: 'itself' }, 'itself'))
    expect(await new EventStore({ storage }).lineage(messageId)).toMatchObject({ causes: [], complete: false })
  })

  it.each(['a "quoted" id', 'back\\slash', 'grün/☂'])('finds the id %s, however JSON writes it', async (eventId) => {
    const storage = await under.open()
    const price = caused(undefined, eventId)
    const ascii = plainCodec
      .encode(price)
      .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    await storage.log.append([{ eventId, eventType: price.eventType, payload: ascii }])
    const [messageId = ''] = await append(storage, caused(price))
    const { causes, complete } = await new EventStore({ storage }).lineage(messageId)
    expect([ids(causes), complete]).toEqual([[eventId], true])
  })

  it('is found in payloads that are not plain', async () => {
    const storage = await under.open()
    const codec: EventCodec = {
      encode: (event) => btoa(plainCodec.encode(event)),
      decode: (payload) => plainCodec.decode(atob(payload))
    }
    const price = caused(undefined)
    const trade = caused(price)
    const order = caused(trade)
    const appended = await storage.log.append(
      [price, trade, order].map((event) => ({ ...event, payload: codec.encode(event) }))
    )
    const lineage = await new EventStore({ storage, codec }).lineage(appended[1]?.messageId ?? '')
    expect([ids(lineage.causes), ids(lineage.effects)]).toEqual([[price.eventId], [order.eventId]])
  })

  it('is looked for among 200,000 entries in a direction, and says that it stopped there', async () => {
    const storage = await under.open()
    await append(storage, ...signals(1_000))
    const [messageId = ''] = await append(storage, caused({ eventId: 'far away' }))
    const page = await storage.log.read({ limit: 1_000 })
    const looks = { backward: 0, forward: 0 }
    const endless = withFaults(storage, {
      read: async ({ direction = 'forward' }) => {
        looks[direction]++
        return page
      }
    })
    const lineage = await new EventStore({ storage: endless }).lineage(messageId)
    expect(lineage).toMatchObject({ causes: [], effects: [], complete: false })
    expect(looks).toEqual({ backward: 200, forward: 200 })
  })

  it('is refused for an id of no event', async () => {
    const store = new EventStore({ storage: await under.open() })
    await expect(store.lineage('1-1')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('1-1')
    })
    await expect(store.lineage('yesterday')).rejects.toMatchObject({ code: 'invalid_message_id' })
  })
})

describeOnEachLog('the statistics', (under) => {
  it('say what the log holds and how its groups stand', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    expect(await store.getEventStats()).toMatchObject({
      log: storage.kind,
      location: storage.location,
      length: 0,
      first: null,
      last: null,
      groups: []
    })
    const [first = '', second = ''] = await append(storage, signal(), signal())
    const taken = (await storage.log.get([second]))[0]?.appendedAt ?? Number.POSITIVE_INFINITY
    await waitFor(() => Date.now() > taken)
    const [third = ''] = await append(storage, signal())
    const places = (await storage.log.read({ limit: 3 })).entries
    await storage.queue('brokers').create('start')
    await storage.queue('brokers').read('one', { limit: 2, waitMs: 0 })
    const stats = await store.getEventStats()
    expect(stats).toMatchObject({
      length: 3,
      first: { messageId: first, appendedAt: places[0]?.appendedAt },
      last: { messageId: third, appendedAt: places[2]?.appendedAt },
      groups: [{ name: 'brokers', pending: 2, lag: 1, lastDelivered: second, consumers: [{ name: 'one', pending: 2 }] }]
    })
    expect(stats.bytes).toBeGreaterThan(0)
  })

  it('count what trimming leaves', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    await append(storage, ...signals(10))
    expect(await store.trim({ maxLength: 4 })).toMatchObject({ removed: 6, lost: 0, guarded: false })
    expect(await store.getEventStats()).toMatchObject({ length: 4 })
  })
})
