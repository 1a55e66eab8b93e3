import { createEvent, EventType, formatTimestamp, systemClock } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventPublisher } from '../../src/publish/index.ts'
import { type AheadMessage, diagnostics, silentLogger } from '../../src/runtime/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal } from '../support/events.ts'

const in2150 = () =>
  createEvent(
    EventType.TRADING_SIGNAL,
    { symbol: 'AAPL', signal: 'BUY' },
    { timestamp: '2150-01-01T00:00:00.000+00:00' }
  )

describeOnEachLog('a timestamp that is ahead of the clock', (logs) => {
  test('is published as it is, and flagged in its receipt and on the channel; one within five minutes is not', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const counts: number[] = []
    const count = (message: unknown) => {
      if ((message as AheadMessage).storage === storage) counts.push((message as AheadMessage).events)
    }
    diagnostics.ahead.subscribe(count)
    onTestFinished(() => void diagnostics.ahead.unsubscribe(count))

    const event = in2150()
    expect(await publisher.publish(event)).toMatchObject({ status: 'published', timestampAhead: true })
    expect(JSON.parse((await storage.log.read({ limit: 1 })).entries[0]?.payload ?? '')).toMatchObject({
      timestamp: event.timestamp
    })
    const inTime = { ...signal(), timestamp: formatTimestamp(Date.now() + 290_000) }
    const receipts = await publisher.publishAll([signal(), in2150(), inTime, in2150()])
    expect(receipts.map(({ timestampAhead }) => timestampAhead)).toEqual([undefined, true, undefined, true])
    expect(await publisher.publish(inTime)).not.toHaveProperty('timestampAhead')
    expect(counts).toEqual([1, 2])
  })

  test('is logged at once, and then once a minute with how many there were', async () => {
    let now = Date.now()
    const warnings: object[] = []
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
    const clock = { ...systemClock, now: () => now }
    const publisher = new EventPublisher({ storage: await logs.open(), logger, clock })
    for (const afterMs of [0, 10_000, 49_999, 60_000]) {
      const started = now
      now += afterMs
      await publisher.publish(in2150())
      now = started
    }
    expect(warnings).toEqual([
      { eventId: expect.any(String), timestamp: in2150().timestamp, source: '', events: 1 },
      { eventId: expect.any(String), timestamp: in2150().timestamp, source: '', events: 3 }
    ])
  })
})
