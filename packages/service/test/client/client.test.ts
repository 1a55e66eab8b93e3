import { createServer } from 'node:net'
import type { ServiceError } from '@tradpal/event-client'
import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { LOGS, newLog } from '../http/support/test-service.ts'
import { clientOf, LosingProxy, ServiceProcess, signal } from './support.ts'

describe.each(LOGS)('the client, against the service over %s', (kind) => {
  test('publishes, and reads back what it published', async () => {
    const { url } = await ServiceProcess.start(await newLog(kind))
    const client = clientOf(url)
    const event = signal('BTC/USDT')
    const messageId = await client.publishEvent(event)
    await client.publishMarketData('AAPL', { price: 231.5, note: 'Ü/€ 🚀' }, 'feed')
    await client.publishTradingSignal({ symbol: 'AAPL', signal: 'sell' })
    const lastId = await client.publishPortfolioUpdate({ cash: 1e-8 })

    expect(await client.getEvent(messageId)).toEqual({ ...event, messageId })
    const all = await client.getEvents()
    expect(all.map(({ eventType, source, data }) => [eventType, source, data])).toEqual([
      ['trading_signal', 'a_test', event.data],
      ['market_data_update', 'feed', { symbol: 'AAPL', price: 231.5, note: 'Ü/€ 🚀' }],
      ['trading_signal', 'client', { symbol: 'AAPL', signal: 'sell' }],
      ['portfolio_update', 'client', { cash: 1e-8 }]
    ])
    expect(await client.getEvents({ eventType: ['trading_signal', 'portfolio_update'], limit: 2 })).toEqual([
      all[2],
      all[3]
    ])
    expect(await client.getEvents({ symbol: 'AAPL', after: messageId })).toEqual([all[1], all[2]])
    expect(await client.getEvents({ startTime: Date.now() + 60_000 })).toEqual([])
    expect(await client.replayEvents({ symbol: 'AAPL' })).toBe(2)
    const replayed = await Array.fromAsync(client.streamReplay({ after: messageId }))
    expect(replayed).toEqual(all.slice(1))
    expect((await client.getEventStats()).last_entry).toBe(lastId)
    expect(await client.getEventTypes()).toContain('trading_signal')
    expect((await client.healthCheck()).status).toBe('healthy')
    expect(await client.getMetrics()).toContain('event_service_events_published_total')
  })

  test('publishes a batch in one piece, or nothing of it and says which event is wrong', async () => {
    const { url } = await ServiceProcess.start(await newLog(kind))
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

  test('tries a publish again whose answer was lost, and it is one event', async () => {
    const service = await ServiceProcess.start(await newLog(kind))
    const proxy = await LosingProxy.before(service.url)
    const client = clientOf(proxy.url)
    await client.healthCheck()
    proxy.loses = 2
    const messageId = await client.publishEvent(signal('once'))
    proxy.loses = 1
    const batchIds = await client.publishBatch([signal('a'), signal('b')])
    expect(proxy.loses).toBe(0)
    const found = await client.getEvents()
    expect(found.map(({ messageId, data }) => [messageId, data.symbol])).toEqual([
      [messageId, 'once'],
      [batchIds[0], 'a'],
      [batchIds[1], 'b']
    ])
  })

  test('follows the log over a killed service with no gap and no repeat', async () => {
    const log = await newLog(kind)
    const service = await ServiceProcess.start(log)
    await using publisher = new EventSystem({ environment: log })
    await publisher.initialize()
    const subscription = clientOf(service.url).subscribe({ eventType: 'trading_signal' })
    await subscription.open()
    const seen: string[] = []
    const following = (async () => {
      for await (const { data } of subscription) {
        seen.push(data.symbol as string)
        if (data.symbol === 'last') return
      }
    })()
    const published: string[] = []
    const publish = async (count: number, last?: string) => {
      const symbols = [...Array.from({ length: count }, () => `s${published.length}-${Math.random()}`), last ?? 'end']
      await publisher.publishBatch(symbols.map((symbol) => signal(symbol)))
      published.push(...symbols)
    }
    await publish(50)
    await waitFor(() => seen.length > 20)
    await service.kill()
    await publish(50)
    await service.start()
    await publish(50, 'last')
    await following
    expect(seen).toEqual(published)
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
    expect(letter).toMatchObject({ messageId: causeId, kind: 'exhausted', reason: 'the desk is closed', attempts: 1 })
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

test('what the service refuses is its problem; what is not there, late or gone has a code of its own', async () => {
  const service = await ServiceProcess.start(await newLog('sqlite'))
  const client = clientOf(service.url, { retries: 1, timeoutMs: 300 })
  await expect(client.getEvent('1-0')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  await expect(client.getEvents({ eventType: 'trading_signl' })).rejects.toMatchObject({
    code: 'unknown_event_type',
    message: expect.stringContaining('trading_signal')
  })
  const port = await freePort()
  const silent = createServer(() => {}).listen(port, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await expect(clientOf(`http://127.0.0.1:${port}`, { retries: 0, timeoutMs: 200 }).getEvents()).rejects.toMatchObject({
    code: 'service_timeout',
    retryable: true
  })
  await service.kill()
  await expect(client.publishEvent(signal())).rejects.toMatchObject({ code: 'service_unavailable', retryable: true })
})
