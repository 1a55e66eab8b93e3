import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceError, StreamReplayOptions } from '@tradpal/event-client'
import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { createEvent } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LOGS, newLog, serviceOver } from '../http/support/test-service.ts'
import { clientOf, idsOf, ServiceProcess, signal, taken } from './support.ts'

describe.each(LOGS)('the client, against the service over %s', (kind) => {
  test('publishes, and reads back what it published', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    const event = signal('BTC/USDT')
    const messageId = await client.publishEvent(event)
    await client.publishMarketData('AAPL', { price: 231.5, exchange: 'Ü/€ 🚀' }, 'feed')
    await client.publishTradingSignal({ symbol: 'AAPL', signal: 'SELL' })
    const lastId = await client.publishPortfolioUpdate({ cash: 1e-8 })

    expect(await client.getEvent(messageId)).toEqual({ ...event, messageId, valid: true })
    const all = await client.getEvents()
    expect(all.map(({ eventType, source, data }) => [eventType, source, data])).toEqual([
      ['trading_signal', 'a_test', event.data],
      ['market_data_update', 'feed', { symbol: 'AAPL', price: 231.5, exchange: 'Ü/€ 🚀' }],
      ['trading_signal', 'client', { symbol: 'AAPL', signal: 'SELL' }],
      ['portfolio_update', 'client', { cash: 1e-8 }]
    ])
    expect(await client.getEvents({ eventType: ['trading_signal', 'portfolio_update'], limit: 2 })).toEqual([
      all[2],
      all[3]
    ])
    expect(await client.getEvents({ symbol: 'AAPL', after: messageId })).toEqual([all[1], all[2]])
    expect(await client.getEvents({ startTime: Date.now() + 60_000 })).toEqual([])
    expect(await client.getEvents({ symbols: ['AAPL', 'MSFT'], after: messageId })).toEqual([all[1], all[2]])
    expect(await client.countEvents({ symbol: 'AAPL' })).toBe(2)
    const handled: unknown[] = []
    expect(await client.replayEvents({ after: messageId }, (event) => void handled.push(event))).toBe(3)
    expect(handled).toEqual(all.slice(1))
    const replayed = await Array.fromAsync(client.streamReplay({ after: messageId }))
    expect(replayed).toEqual(all.slice(1))
    expect((await client.getEventStats()).last_entry).toBe(lastId)
    expect(await client.getEventTypes()).toContain('trading_signal')
    expect((await client.healthCheck()).status).toBe('healthy')
    expect(await client.getMetrics()).toContain('event_service_events_published_total')
  })

  test('publishes a batch in one piece, or nothing of it and says which event is wrong', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    const events = [signal('A'), signal('B'), signal('C')]
    const messageIds = await client.publishBatch(events)
    expect((await client.getEvents()).map(({ messageId }) => messageId)).toEqual(messageIds)
    const wrong = { ...signal('D'), data: { symbol: 'D', signal: 'MAYBE' as 'BUY' } }
    const refusal = await client.publishBatch([signal('E'), wrong]).catch((error: ServiceError) => error)
    expect(refusal).toMatchObject({
      name: 'EventSystemError',
      code: 'invalid_data',
      status: 400,
      index: 1,
      pointer: '/1/data/signal',
      problem: { title: 'Bad Request', instance: '/events/batch' }
    })
    expect((await client.getEventStats()).stream_length).toBe(3)
  })

  test('finds, replays and follows what each option says', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    const trades = ['A', 'B', 'A', 'C'].map((symbol) => signal(symbol))
    const early = await client.publishBatch(trades.slice(0, 2))
    const between = await nextMillisecond(early[1] ?? '')
    const late = await client.publishBatch([
      ...trades.slice(2),
      createEvent('risk_alert', { symbol: 'A', message: 'x' })
    ])
    const [a, b, c, d, alert] = [...early, ...late]
    const eventType = ['trading_signal', 'risk_alert'] as const
    const ranges: [StreamReplayOptions, (string | undefined)[]][] = [
      [{ eventType: 'trading_signal', symbol: 'A' }, [a, c]],
      [{ eventType, symbol: 'A' }, [a, c, alert]],
      [{ endTime: between }, [a, b]],
      [{ startTime: new Date(between + 1) }, [c, d, alert]],
      [{ startTime: 0, endTime: new Date(between).toISOString() }, [a, b]],
      [{ after: a as string, symbol: 'A' }, [c, alert]],
      [{ eventType: '*', after: c as string }, [d, alert]]
    ]
    for (const [range, ids] of ranges) {
      expect(idsOf(await client.getEvents(range))).toEqual(ids)
      expect(await client.countEvents(range)).toBe(ids.length)
      expect(idsOf(await Array.fromAsync(client.streamReplay({ ...range, speed: 1_000 })))).toEqual(ids)
    }
    expect(idsOf(await client.getEvents({ after: a as string, limit: 2 }))).toEqual([b, c])
    expect(idsOf(await taken(client.subscribe({ eventType, symbol: 'A', after: 'start' }), 3))).toEqual([a, c, alert])
    expect(idsOf(await taken(client.subscribe({ symbol: 'A', after: a as string }), 2))).toEqual([c, alert])
  })

  const at = (seconds: number) => `2026-11-17T09:00:0${seconds}Z`
  const lastWeek = { startTime: at(0), endTime: at(5) }
  const imported = [3, 1, 2].map((n) => ({ ...signal(), timestamp: at(n) }))

  test.runIf(kind === 'sqlite')('finds, counts and replays by event time where the log has an index', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    const ids = await client.publishBatch(imported)
    const inOrder = [ids[1], ids[2], ids[0]]
    const range = { ...lastWeek, time: 'event' } as const
    expect(idsOf(await client.getEvents(range))).toEqual(inOrder)
    expect(await client.countEvents(range)).toBe(3)
    expect(idsOf(await Array.fromAsync(client.streamReplay({ ...range, speed: 1_000 })))).toEqual(inOrder)
    const first = await client.getPage({ ...range, limit: 1 })
    expect(idsOf(await client.getEvents({ time: 'event', after: first.position }))).toEqual(inOrder.slice(1))
    expect(await client.getPage(lastWeek)).toMatchObject({ events: [], hint: expect.stringContaining('time=event') })
  })

  test.runIf(kind === 'redis')('is refused event times where the log has no index', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    await client.publishBatch(imported)
    await expect(client.getEvents({ time: 'event' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(Array.fromAsync(client.streamReplay({ time: 'event' }))).rejects.toMatchObject({ code: 'unsupported' })
    expect(await client.getPage(lastWeek)).toEqual({ events: [], position: expect.any(String) })
  })

  test('replays at the pace at which the log took the events', async () => {
    const { url } = await ServiceProcess.start(await newLog(kind))
    const client = clientOf(url)
    const first = await client.publishEvent(signal())
    await waitFor(() => Date.now() > millisecondOf(first) + 200)
    const last = await client.publishEvent(signal())
    const tookMs = millisecondOf(last) - millisecondOf(first)

    const replay = async (speed: number | 'max') => {
      const startedAt = performance.now()
      const at: number[] = []
      for await (const _ of client.streamReplay({ speed })) at.push(performance.now())
      const [first = 0, last = 0] = at
      return { sinceStart: last - startedAt, between: last - first }
    }

    // From the request on: on a busy machine the first event may be late.
    expect((await replay(1)).sinceStart).toBeGreaterThan(tookMs * 0.9)
    expect((await replay('max')).between).toBeLessThan(tookMs * 0.9)
  })

  test('reads events of a type that only the service knows', async () => {
    const log = await newLog(kind)
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-client-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const types = join(folder, 'types.json')
    const schema = { type: 'object', required: ['order_id'] }
    await writeFile(types, JSON.stringify({ order_cancelled: schema }))
    const { url } = await ServiceProcess.start({ ...log, EVENT_TYPES_FILE: types })
    const client = clientOf(url)
    const event = { ...signal(), eventType: 'order_cancelled', data: { order_id: 'a' } }
    const messageId = await client.publishEvent(event)
    const stored = { ...event, messageId, valid: true }

    expect(await client.getEvents({ eventType: 'order_cancelled' as string })).toEqual([stored])
    expect(await taken(client.subscribe({ after: 'start' }), 1)).toEqual([stored])
    expect(await Array.fromAsync(client.streamReplay())).toEqual([stored])
    expect((await client.getEventSchemas()).order_cancelled).toMatchObject(schema)
    const refused = { code: 'invalid_data', status: 400, pointer: '/data/order_id' }
    await expect(client.publishEvent({ ...event, data: {} })).rejects.toMatchObject(refused)
  })

  test('trims to limits, of the log and by type, and says what that would lose to whom', async () => {
    const { url } = await serviceOver(kind)
    const client = clientOf(url)
    for (const symbol of ['A', 'B', 'C']) {
      await client.publishMarketData(symbol, { price: 1 })
      await client.publishTradingSignal({ symbol, signal: 'BUY' })
    }
    const byType = { market_data_update: { maxLength: 1 } }
    const none = { lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: false }
    expect(await client.trim({ byType, dryRun: true })).toEqual({ removed: 2, ...none })
    expect(await client.trim({ byType, maxAgeMs: 86_400_000 })).toEqual({ removed: 2, ...none })
    await using consumption = await client.consume('desk', () => new Promise(() => {}), {
      from: 'start',
      concurrency: 1
    })
    expect(await client.trim({ maxLength: 0 })).toMatchObject({ removed: 0, guarded: true })
    const lost = { removed: 4, lost: 4, lostByGroup: { desk: 4 }, lostByCursor: {}, guarded: false }
    expect(await client.trim({ maxLength: 0, force: true, dryRun: true, timeoutMs: 5_000 })).toEqual(lost)
    await expect(client.trim()).rejects.toMatchObject({ code: 'invalid_argument', status: 400 })
    await consumption.close({ timeoutMs: 0 })
  })

  test('lists the dead letters, puts one back, and follows an event to its cause', async () => {
    const log = await newLog(kind)
    const { url } = await ServiceProcess.start(log)
    const client = clientOf(url)
    await using system = new EventSystem({ environment: log })
    await system.initialize()
    let healthy = false
    system.registerHandler('trading_signal', async ({ data }) => {
      if (!healthy) throw new Error('the desk is closed')
      await system.publisher.publishSystemEvent('system_health', { service: String(data.symbol) })
    })
    await system.startConsuming({ group: 'desk', maxAttempts: 1, claimAfterMs: 50 })
    const causeId = await client.publishEvent(signal())
    const [letter] = await waitFor(async () => {
      const letters = await client.deadLetters.list({ group: 'desk' })
      return letters.length === 1 && letters
    })
    expect(letter).toMatchObject({ messageId: causeId, kind: 'exhausted', attempts: 1, eventType: 'trading_signal' })
    expect(letter?.lastError.message).toBe('the desk is closed')
    expect(await client.deadLetters.get(letter?.id ?? '')).toEqual(letter)
    healthy = true
    await client.deadLetters.requeue(letter?.id ?? '')
    const [effect] = await waitFor(async () => {
      const effects = await client.getEvents({ eventType: 'system_health' })
      return effects.length === 1 && effects
    })
    expect(await client.deadLetters.list()).toEqual([])
    const lineage = await client.getLineage(effect?.messageId ?? '')
    expect(lineage.causes.map(({ messageId }) => messageId)).toEqual([causeId])
    expect(lineage.complete).toBe(true)
  })
})

const millisecondOf = (messageId: string) => Number(messageId.split('-')[0])

/** Resolves behind the millisecond at which the log took an entry, to that millisecond: what comes now is taken later. */
async function nextMillisecond(messageId: string): Promise<number> {
  const takenAt = millisecondOf(messageId)
  await waitFor(() => Date.now() > takenAt)
  return takenAt
}
