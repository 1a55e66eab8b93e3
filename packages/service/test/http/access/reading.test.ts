import { EventType } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { bury } from '../../../../../test/support/bury.ts'
import type { RunningService } from '../../../src/index.ts'
import { SseReader } from '../support/sse-reader.ts'
import { LOGS, signal } from '../support/test-service.ts'
import { type Caller, guardedService, keyHeaders } from './support.ts'

const price = { event_type: 'market_data_update', source: 'all', data: { symbol: 'BTC/USDT', price: 1, volume: 1 } }
const typesIn = (events: readonly { event_type: string }[]) => events.map(({ event_type }) => event_type)

describe.each(LOGS)('who may read signals and not prices, over %s', (kind) => {
  let service: RunningService
  let all: Caller
  let some: Caller
  let ids: string[]

  beforeEach(async () => {
    const guarded = await guardedService(kind)
    service = guarded.service
    all = await guarded.as('all', ['*'])
    some = await guarded.as('some', ['read:trading_*', 'replay', 'stats', 'consume:signals', 'admin:dead-letters'])
    const published = await all.post('/events/batch', [price, { ...signal(), source: 'all' }, price])
    ids = published.body.message_ids
  })

  test('finds the signals alone in a query', async () => {
    expect(typesIn((await some.get('/events')).body.events)).toEqual(['trading_signal'])
    expect((await all.get('/events')).body.count).toBe(3)
    const named = await some.get('/events?event_type=market_data_update')
    expect(named).toMatchObject({ status: 403, body: { detail: 'some lacks the scope read:market_data_update.' } })
    expect((await some.get('/events?event_type=trading_signal,market_data_update')).status).toBe(403)
    expect(typesIn((await some.get('/events?event_type=*')).body.events)).toEqual(['trading_signal'])
  })

  test.runIf(kind === 'sqlite')(
    'is not told that prices happened in a time in which the log took nothing',
    async () => {
      await all.post('/events', { ...price, timestamp: '2026-11-17T09:00:00Z' })
      const range = { start_time: '2026-11-17T00:00:00Z', end_time: '2026-11-18T00:00:00Z' }
      const asked = `/events?${new URLSearchParams(range)}`
      expect((await all.get(asked)).body).toMatchObject({ count: 0, hint: expect.stringContaining('time=event') })
      expect((await some.get(asked)).body).not.toHaveProperty('hint')
      expect((await all.post('/events/replay', range)).body).toHaveProperty('hint')
      expect((await some.post('/events/replay', range)).body).not.toHaveProperty('hint')
      expect((await some.get(`${asked}&time=event`)).body).toMatchObject({ count: 0 })
    }
  )

  test('is told that a price is not there', async () => {
    expect((await some.get(`/events/${ids[1]}`)).status).toBe(200)
    expect((await some.get(`/events/${ids[0]}`)).body).toMatchObject({ code: 'not_found' })
    expect((await some.get(`/events/${ids[0]}/lineage`)).body).toMatchObject({ code: 'not_found' })
  })

  test('sees of a lineage what it may, and that this is not all', async () => {
    const cause = (await all.get(`/events/${ids[0]}`)).body
    const caused = {
      ...signal(),
      source: 'all',
      metadata: { causation_id: cause.event_id, correlation_id: cause.event_id }
    }
    const { message_id } = (await all.post('/events', caused)).body
    expect((await all.get(`/events/${message_id}/lineage`)).body).toMatchObject({ causes: [{ message_id: ids[0] }] })
    expect((await some.get(`/events/${message_id}/lineage`)).body).toMatchObject({ causes: [], complete: false })
  })

  test('replays and follows the signals alone', async () => {
    expect((await some.post('/events/replay')).body.events_replayed).toBe(1)
    const streamed = await some.post('/events/replay', undefined, { accept: 'application/x-ndjson' })
    expect(streamed.text.trim().split('\n')).toHaveLength(1)
    expect((await some.post('/events/replay', { event_type: 'market_data_update' })).status).toBe(403)
    const reader = await SseReader.open(
      `${service.url}/events/stream?after=start`,
      await keyHeaders(service, 'reader', ['read:trading_*'])
    )
    await waitFor(() => reader.events.length > 0)
    await all.post('/events/batch', [price, { ...signal('ETH/USDT'), source: 'all' }])
    await waitFor(() => reader.events.length > 1)
    expect(reader.events.map(({ event }) => event)).toEqual(['trading_signal', 'trading_signal'])
  })

  test('is told of the log only what does not tell of prices', async () => {
    await service.system.storage.queue('signals').create('start')
    await service.system.storage.queue('brokers').create('start')
    const { body } = await some.get('/events/stats')
    expect(body).toMatchObject({
      stream_length: null,
      first_entry: null,
      last_entry: null,
      bytes: null,
      consumer_groups: 2
    })
    expect(body.groups.map(({ name }: { name: string }) => name)).toEqual(['signals'])
    expect((await all.get('/events/stats')).body).toMatchObject({ stream_length: 3, first_entry: ids[0] })
    expect((await some.get('/groups')).body.groups).toMatchObject([{ name: 'signals' }])
  })

  test('pulls only what it names and may read', async () => {
    const pull = (body: object) => some.post('/groups/signals/pull', { from: 'start', ...body })
    expect(await pull({})).toMatchObject({ status: 403, body: { pointer: '/event_types' } })
    expect((await pull({ event_types: ['*'] })).status).toBe(403)
    expect((await pull({ event_types: ['trading_signal', 'market_data_update'] })).status).toBe(403)
    const { body } = await pull({ event_types: ['trading_signal'] })
    expect(body.deliveries.map(({ event }: { event: { message_id: string } }) => event.message_id)).toEqual([ids[1]])
    expect((await some.post('/groups/brokers/pull', { event_types: ['trading_signal'] })).status).toBe(403)
  })

  test('sees, puts back and discards the dead letters of signals alone', async () => {
    const letters = await bury(service.system, 'brokers')
    expect(letters.map(({ eventType }) => eventType).sort()).toEqual(
      [EventType.MARKET_DATA_UPDATE, EventType.MARKET_DATA_UPDATE, EventType.TRADING_SIGNAL].sort()
    )
    const idOf = (type: string) => letters.find(({ eventType }) => eventType === type)?.id ?? ''
    const [own, foreign] = [idOf('trading_signal'), idOf('market_data_update')]
    expect((await all.get('/dead-letters')).body).toMatchObject({ count: 3, total: 3 })
    expect((await some.get('/dead-letters')).body).toMatchObject({ dead_letters: [{ id: own }], count: 1, total: 1 })
    expect((await some.get('/dead-letters?event_type=market_data_update')).status).toBe(403)
    const { body: causes } = await some.get('/dead-letters/causes')
    expect(causes).toMatchObject({ causes: [{ group: 'brokers', count: 1, oldest: { id: own } }], count: 1 })
    expect(
      (await all.get('/dead-letters/causes')).body.causes.map(({ count }: { count: number }) => count).sort()
    ).toEqual([1, 2])
    const fingerprint = letters.find(({ id }) => id === foreign)?.fingerprint
    expect((await some.get(`/dead-letters?fingerprint=${fingerprint}`)).body).toMatchObject({ count: 0, total: 0 })
    expect((await some.post('/dead-letters/requeue', { fingerprint })).status).toBe(403)
    expect((await some.get('/events/stats')).body.dead_letters).toBe(1)
    expect((await some.get(`/dead-letters/${foreign}`)).status).toBe(404)
    expect((await some.post(`/dead-letters/${foreign}/requeue`, {})).status).toBe(404)
    expect((await some.delete(`/dead-letters/${foreign}`, { reason: 'no' })).status).toBe(404)
    expect((await some.post('/dead-letters/requeue', { all: true })).status).toBe(403)
    expect((await some.post('/dead-letters/requeue', { event_type: 'market_data_update' })).status).toBe(403)
    expect((await some.post(`/dead-letters/${own}/requeue`, { by: 'somebody else' })).status).toBe(200)
    await all.delete(`/dead-letters/${foreign}`, { reason: 'old' })
    expect((await all.get('/dead-letters/actions')).body.actions).toMatchObject([
      { action: 'requeue', by: 'some' },
      { action: 'discard', by: 'all' }
    ])
    expect((await some.get('/dead-letters/actions')).body.actions).toMatchObject([{ action: 'requeue', by: 'some' }])
  })
})
