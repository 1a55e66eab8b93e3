import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createEvent, decodeEvent, type Event, EventSystemError, EventType, type JsonObject } from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Storage } from '../../src/log/index.ts'
import { compareIn } from '../../src/log/partitioned/order.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { type PublishedMessage, runAsCause } from '../../src/runtime/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { signal, signals, withFaults } from '../support/events.ts'

async function storedIn(storage: Storage): Promise<JsonObject[]> {
  const entries = (await storage.log.read({ limit: 10_000 })).entries
  return entries.map(({ payload }) => JSON.parse(payload ?? 'null'))
}

function cyclic(): object {
  const data: Record<string, unknown> = { symbol: 'AAPL', signal: 'BUY' }
  return Object.assign(data, { of: data })
}

describeOn(ALL_LOGS, 'publishing', (logs) => {
  test('an event that was published stands in the log as wire JSON under the message id', async () => {
    const storage = await logs.open()
    const event = signal('BTC/USDT', 45_000)
    const messageId = await new EventPublisher({ storage }).publishEvent(event)
    const [entry] = await storage.log.get([messageId])
    expect(JSON.parse(entry?.payload ?? '')).toEqual({
      event_type: 'trading_signal',
      event_id: event.eventId,
      timestamp: event.timestamp,
      source: 'test',
      data: { symbol: 'BTC/USDT', signal: 'BUY', price: 45_000 },
      metadata: {}
    })
  })

  test('the same event again is one entry, and the receipt says so with the first message id', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal()
    const first = await publisher.publish(event)
    const again = await publisher.publish(event)
    const elsewhere = await new EventPublisher({ storage: await logs.open() }).publish(event)
    expect(first).toEqual({ status: 'published', messageId: first.messageId, eventId: event.eventId, duplicate: false })
    expect([again, elsewhere]).toEqual([
      { ...first, duplicate: true },
      { ...first, duplicate: true }
    ])
    expect((await storage.log.info()).length).toBe(1)
  })

  test('concurrent publishes keep the order of their calls and share their appends', async () => {
    const storage = await logs.open()
    let appends = 0
    const counting = withFaults(storage, {
      append: (entries, options) => {
        appends += 1
        return storage.log.append(entries, options)
      }
    })
    const publisher = new EventPublisher({ storage: counting })
    const events = signals(3_000)
    const messageIds = await Promise.all(events.map((event) => publisher.publishEvent(event)))
    expect((await storedIn(storage)).map(({ event_id }) => event_id)).toEqual(events.map(({ eventId }) => eventId))
    expect(messageIds).toEqual([...messageIds].sort((a, b) => compareIn(storage.log, a, b)))
    expect(appends).toBeLessThan(20)
  })

  test('a batch is one unit in order, and stands in one piece among concurrent publishes', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const batch = signals(50)
    const before = signal('before')
    const after = signal('after')
    const [, messageIds] = await Promise.all([
      publisher.publishEvent(before),
      publisher.publishBatch(batch),
      publisher.publishEvent(after)
    ])
    const ids = (await storedIn(storage)).map(({ event_id }) => event_id)
    expect(ids).toEqual([before, ...batch, after].map(({ eventId }) => eventId))
    expect(messageIds).toHaveLength(50)
  })

  test('a batch with one wrong event names its index, and nothing of it is in the log', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const wrong = { ...signal(), data: { symbol: 'AAPL', signal: 'MAYBE' } } as never
    const refused = publisher.publishBatch([signal(), signal(), wrong, signal()])
    await expect(refused).rejects.toMatchObject({ code: 'invalid_data', index: 2, pointer: '/2/data/signal' })
    await expect(refused).rejects.toThrow(/^Event 2 of the batch: /)
    expect((await storage.log.info()).length).toBe(0)
  })

  test('of 100,001 events the last is wrong: it is named, and nothing of them is in the log; more than 100,000 are refused', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const many: Event[] = new Array(100_001).fill(signal())
    await expect(publisher.publishBatch(many)).rejects.toThrow(/At most 100000 events .* got 100001/)
    many[100_000] = { ...signal(), data: { symbol: 'AAPL', signal: 'MAYBE' } } as never
    await expect(publisher.publishBatch(many)).rejects.toMatchObject({ code: 'invalid_data', index: 100_000 })
    expect((await storage.log.info()).length).toBe(0)
    expect((await publisher.state()).inFlight).toEqual({ events: 0, bytes: 0 })
  })

  test('a transaction publishes what its work published as one unit, and nothing when that throws', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const events = signals(3)
    let late: { publish(event: Event): void } | undefined
    const receipts = await publisher.transaction(async (transaction) => {
      late = transaction
      for (const event of events) {
        await Promise.resolve()
        transaction.publish(event)
        expect((await storage.log.info()).length).toBe(0)
      }
    })
    expect(receipts.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId))
    expect((await storedIn(storage)).map(({ event_id }) => event_id)).toEqual(events.map(({ eventId }) => eventId))
    const failing = publisher.transaction((transaction) => {
      transaction.publish(signal())
      throw new Error('no margin')
    })
    await expect(failing).rejects.toThrow('no margin')
    const wrong = publisher.transaction((transaction) => {
      transaction.publish(signal())
      transaction.publish({ ...signal(), data: { symbol: 'AAPL', signal: 'MAYBE' } } as never)
    })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_data' })
    expect(() => late?.publish(signal())).toThrow(expect.objectContaining({ code: 'closed' }))
    expect(await publisher.transaction(() => {})).toEqual([])
    await expect(publisher.transaction(5 as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect((await storage.log.info()).length).toBe(3)
  })

  test.each([
    ['invalid_data', { ...signal(), data: { symbol: '', signal: 'BUY' } }],
    ['invalid_event', null],
    ['invalid_event', 'an event'],
    ['invalid_event', { ...signal(), eventId: '' }],
    ['invalid_event', { ...signal(), eventId: 5 }],
    ['invalid_event', { ...signal(), timestamp: 'yesterday' }],
    ['unknown_event_type', { ...signal(), eventType: 'trading_signl' }],
    ['not_representable', { ...signal(), data: { symbol: 'AAPL', signal: 'BUY', more: Number.NaN } }],
    ['not_representable', { ...signal(), metadata: { at: new Date(0) } }],
    ['not_representable', { ...signal(), data: cyclic() }],
    ['payload_too_large', { ...signal(), data: { symbol: 'AAPL', signal: 'BUY', note: 'é'.repeat(1_048_576) } }]
  ])(
    '%s: an event that cannot be published is refused, nothing is written, and others are not held up',
    async (code, event) => {
      const storage = await logs.open()
      const publisher = new EventPublisher({ storage })
      const [refused, accepted] = await Promise.allSettled([
        publisher.publishEvent(event as never),
        publisher.publishEvent(signal())
      ])
      expect(refused).toMatchObject({ status: 'rejected', reason: { code } })
      expect(accepted.status).toBe('fulfilled')
      expect((await storage.log.info()).length).toBe(1)
    }
  )

  test('whatever JSON can carry comes back from the log as it was', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const json = fc.jsonValue({ noUnicodeString: false }).map((value) => ({ symbol: 'AAPL', price: 1, more: value }))
    await fc.assert(
      fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 20 }), async (datas) => {
        const events = datas.map((data) => createEvent(EventType.MARKET_DATA_UPDATE, data as never))
        const messageIds = await publisher.publishBatch(events)
        const entries = await storage.log.get(messageIds)
        for (const [i, event] of events.entries()) {
          const entry = entries[i]
          // -0 is written as 0.
          expect(decodeEvent(entry?.payload ?? '')).toEqual(JSON.parse(JSON.stringify(event)))
        }
      }),
      { numRuns: 25 }
    )
  })

  test('a loop of publishes leaves the event loop to others', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    onTestFinished(() => clearInterval(timer))
    for (const event of signals(100)) await publisher.publishEvent(event)
    const turnsOfSingles = turns
    for (let i = 0; i < 100; i++) await publisher.publishBatch(signals(20))
    expect(turnsOfSingles).toBeGreaterThan(0)
    expect(turns - turnsOfSingles).toBeGreaterThan(10)
  })

  test('the convenience publishers make an event of their type with the source that was named', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage, defaultSource: 'desk' })
    await publisher.publishMarketData('BTC/USDT', { price: 45_000 }, 'feed')
    // @ts-expect-error: the field is called price
    const misspelt = () => publisher.publishMarketData('BTC/USDT', { prcie: 45_000 })
    expect(misspelt).toBeTypeOf('function')
    await publisher.publishTradingSignal({ symbol: 'AAPL', signal: 'SELL' })
    await publisher.publishPortfolioUpdate({ cash: 10 })
    await publisher.publishModelUpdate('rl_model_update', {})
    await publisher.publishAlternativeData('sentiment_data_update', {})
    await publisher.publishBacktestRequest('backtest_request', {})
    await publisher.publishSystemEvent('market_regime_change', {})
    expect((await storedIn(storage)).map(({ event_type, source, data }) => [event_type, source, data])).toEqual([
      ['market_data_update', 'feed', { symbol: 'BTC/USDT', price: 45_000 }],
      ['trading_signal', 'desk', { symbol: 'AAPL', signal: 'SELL' }],
      ['portfolio_update', 'desk', { cash: 10 }],
      ['rl_model_update', 'desk', {}],
      ['sentiment_data_update', 'desk', {}],
      ['backtest_request', 'desk', {}],
      ['market_regime_change', 'desk', {}]
    ])
  })

  test('what is published while an event is handled names it as its cause, and shares its correlation', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const first = signal()
    const second = signal()
    await runAsCause(first, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      await publisher.publishBatch([second])
    })
    await runAsCause({ ...second, metadata: { correlation_id: first.eventId } }, () => publisher.publishEvent(signal()))
    await publisher.publishEvent(signal())
    expect((await storedIn(storage)).map(({ metadata }) => metadata)).toEqual([
      { correlation_id: first.eventId, causation_id: first.eventId },
      { correlation_id: first.eventId, causation_id: second.eventId },
      {}
    ])
  })

  test('closing waits for what is under way and refuses what comes later', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const underWay = Promise.all(signals(20).map((event) => publisher.publishEvent(event)))
    await publisher.close()
    expect((await storage.log.info()).length).toBe(20)
    await underWay
    await expect(publisher.publishEvent(signal())).rejects.toMatchObject({ code: 'closed' })
    await expect(publisher.publishBatch([signal()])).rejects.toMatchObject({ code: 'closed' })
  })

  test('subscribers of the diagnostics channel learn what an append took, by type', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const messages: PublishedMessage[] = []
    const listen = (message: unknown) => messages.push(message as PublishedMessage)
    subscribe('tradpal:event-system:published', listen)
    onTestFinished(() => void unsubscribe('tradpal:event-system:published', listen))
    const event = signal()
    await publisher.publishBatch([event, createEvent('risk_alert', {}), signal()])
    await publisher.publishEvent(event)
    expect(messages.map(({ byType, duplicates }) => [Object.fromEntries(byType), duplicates])).toEqual([
      [{ trading_signal: 2, risk_alert: 1 }, 0],
      [{}, 1]
    ])
    expect(messages[0]?.storage).toBe(storage)
    expect(messages[0]?.durationMs).toBeGreaterThan(0)
  })
})

describe('when the log fails', () => {
  test('those whose append failed learn it, and the next ones are appended', async () => {
    const appended: string[] = []
    const failing = {
      append: async (entries: readonly { eventId: string }[]) => {
        await new Promise((resolve) => setImmediate(resolve))
        if (appended.length === 0 && entries.some(({ eventId }) => eventId === 'fails')) {
          throw new EventSystemError('log_failed', 'The log is broken.')
        }
        appended.push(...entries.map(({ eventId }) => eventId))
        return entries.map(({ eventId }) => ({ messageId: eventId, duplicate: false }))
      }
    }
    const publisher = new EventPublisher({ storage: { log: failing } as unknown as Storage })
    const failed = publisher.publishEvent({ ...signal(), eventId: 'fails' })
    await expect(failed).rejects.toMatchObject({ code: 'log_failed', retryable: false })
    expect(await publisher.publishEvent({ ...signal(), eventId: 'lives' })).toBe('lives')
    expect(appended).toEqual(['lives'])
  })
})
