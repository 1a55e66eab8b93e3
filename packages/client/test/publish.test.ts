import { createEvent } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { EventClient } from '../src/index.ts'
import { cut, cutInBody, hang, json, raw, ScriptedService } from './support/scripted-service.ts'
import { DEADLINE_MS, TestClock } from './support/test-clock.ts'
import { waitFor } from './support/wait-for.ts'

const published = json({ message_id: '7-0', event_id: 'x', status: 'published' })
const signal = createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'ml_service' })

function clientOf(service: ScriptedService, clock = new TestClock()): EventClient {
  return new EventClient({ url: service.url, timeoutMs: DEADLINE_MS, clock, random: () => 0.5 })
}

describe('publishing', () => {
  it('sends the wire event and resolves to its message id', async () => {
    await using service = await ScriptedService.start(published)
    await using client = clientOf(service)
    expect(await client.publishEvent(signal)).toBe('7-0')
    const request = service.requests[0]
    expect([request?.method, request?.path, request?.headers['content-type']]).toEqual([
      'POST',
      '/events',
      'application/json'
    ])
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      event_type: 'trading_signal',
      event_id: signal.eventId,
      source: 'ml_service',
      data: { symbol: 'BTC/USDT', signal: 'BUY' }
    })
  })

  it('repeats the same event id with every attempt', async () => {
    await using service = await ScriptedService.start(cut, cutInBody, raw('', 503), published)
    await using client = clientOf(service)
    expect(await client.publishMarketData('BTC/USDT', { price: 45000 })).toBe('7-0')
    const ids = service.requests.map((request) => JSON.parse(request.body).event_id)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(1)
  })

  it('repeats a publish that expects a version with every attempt, and does not repeat one that is a conflict', async () => {
    const conflict = json({ code: 'version_conflict', stream_key: 'a', expected_version: 3, actual_version: 4 }, 409)
    await using service = await ScriptedService.start(
      cut,
      raw('', 503),
      json({ message_id: '7-0', event_id: 'x', status: 'published', duplicate: true, version: 4 }),
      conflict
    )
    await using client = clientOf(service)
    const options = { streamKey: 'a', expectedVersion: 3 }
    expect(await client.publish(signal, options)).toMatchObject({ messageId: '7-0', duplicate: true, version: 4 })
    expect(service.requests.map(({ query }) => String(query))).toEqual(
      Array.from({ length: 3 }, () => 'stream_key=a&expected_version=3')
    )
    await expect(client.publish(signal, options)).rejects.toMatchObject({ code: 'version_conflict', actualVersion: 4 })
    expect(service.requests).toHaveLength(4)
  })

  it('publishes the event that the convenience endpoint would make', async () => {
    await using service = await ScriptedService.start(published)
    await using client = clientOf(service)
    await client.publishMarketData('BTC/USDT', { price: 45000, volume: 100 })
    await client.publishTradingSignal({ symbol: 'BTC/USDT', signal: 'SELL' }, 'ml_service')
    await client.publishPortfolioUpdate({ total_value: 1000 })
    // @ts-expect-error: the field is called price
    const misspelt = () => client.publishMarketData('BTC/USDT', { prcie: 45000 })
    expect(misspelt).toBeTypeOf('function')
    expect(service.requests.map((request) => request.path)).toEqual(['/events', '/events', '/events'])
    expect(service.requests.map((request) => JSON.parse(request.body))).toMatchObject([
      { event_type: 'market_data_update', source: 'client', data: { symbol: 'BTC/USDT', price: 45000, volume: 100 } },
      { event_type: 'trading_signal', source: 'ml_service', data: { symbol: 'BTC/USDT', signal: 'SELL' } },
      { event_type: 'portfolio_update', source: 'client', data: { total_value: 1000 } }
    ])
  })

  it('publishes a batch as one request and resolves to the ids in order', async () => {
    const second = createEvent('trading_signal', { symbol: 'ETH/USDT', signal: 'HOLD' })
    await using service = await ScriptedService.start(
      json({ status: 'published', count: 2, message_ids: ['7-0', '7-1'] })
    )
    await using client = clientOf(service)
    expect(await client.publishBatch([signal, second])).toEqual(['7-0', '7-1'])
    expect(service.requests[0]?.path).toBe('/events/batch')
    const sent = JSON.parse(service.requests[0]?.body ?? '') as { event_id: string }[]
    expect(sent.map((event) => event.event_id)).toEqual([signal.eventId, second.eventId])
  })

  it('tells by the receipt whether the event was there already', async () => {
    const again = json({ message_id: '7-0', event_id: signal.eventId, status: 'published', duplicate: true })
    await using service = await ScriptedService.start(published, again)
    await using client = clientOf(service)
    const receipt = { status: 'published', messageId: '7-0' }
    expect(await client.publish(signal)).toEqual({ ...receipt, eventId: 'x', duplicate: false })
    expect(await client.publish(signal)).toEqual({ ...receipt, eventId: signal.eventId, duplicate: true })
  })

  it('sends nothing of a batch that cannot be written, and says which event is wrong', async () => {
    await using service = await ScriptedService.start(published)
    await using client = clientOf(service)
    const unwritable = { ...signal, data: { symbol: 'BTC/USDT', signal: 'BUY', confidence: Number.NaN } }
    const nameless = { ...signal, eventId: '' }
    await expect(client.publishBatch([signal, unwritable])).rejects.toMatchObject({
      code: 'not_representable',
      index: 1
    })
    await expect(client.publishBatch([signal, nameless])).rejects.toMatchObject({
      code: 'invalid_event',
      index: 1,
      pointer: '/1/event_id'
    })
    expect(service.requests).toHaveLength(0)
  })

  it('sends nothing for an empty batch', async () => {
    await using service = await ScriptedService.start(published)
    await using client = clientOf(service)
    expect(await client.publishBatch([])).toEqual([])
    expect(service.requests).toHaveLength(0)
  })

  it('refuses an answer with fewer ids than events', async () => {
    await using service = await ScriptedService.start(json({ message_ids: ['7-0'] }))
    await using client = clientOf(service)
    await expect(client.publishBatch([signal, signal])).rejects.toMatchObject({ code: 'http_error', status: 200 })
  })

  it('sends nothing of an event without an id, which every attempt would make anew', async () => {
    await using service = await ScriptedService.start(published)
    await using client = clientOf(service)
    const refused = { code: 'invalid_event', pointer: '/event_id' }
    await expect(client.publishEvent({ ...signal, eventId: '' })).rejects.toMatchObject(refused)
    expect(service.requests).toHaveLength(0)
  })

  it('makes no attempt that could arrive after the deduplication window', async () => {
    await using service = await ScriptedService.start(hang, hang, published)
    const clock = new TestClock()
    await using client = clientOf(service, clock)
    const outcome = expect(client.publishEvent(signal)).rejects.toMatchObject({
      code: 'service_timeout',
      retryable: true
    })
    await waitFor(() => service.requests.length === 1, 'the first attempt')
    clock.passDeadlines()
    await outcome
    expect(service.requests).toHaveLength(1)
  })

  it('tells which event of a batch is wrong, and does not try again', async () => {
    const problem = {
      status: 400,
      detail: 'Event 1: confidence is above 1.',
      code: 'invalid_data',
      pointer: '/1/data/confidence',
      index: 1
    }
    await using service = await ScriptedService.start(json(problem, 400))
    await using client = clientOf(service)
    const { code, pointer, index, detail: message } = problem
    await expect(client.publishBatch([signal, signal])).rejects.toMatchObject({
      code,
      pointer,
      index,
      message,
      problem,
      retryable: false
    })
    expect(service.requests).toHaveLength(1)
  })
})
