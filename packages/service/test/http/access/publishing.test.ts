import { describe, expect, test } from 'vitest'
import { LOGS, post, serviceOver, signal } from '../support/test-service.ts'
import { guardedService } from './support.ts'

describe.each(LOGS)('publishing as somebody, over %s', (kind) => {
  test('an event says which principal published it, and its source is the name of that where it says none', async () => {
    const { as } = await guardedService(kind)
    const caller = await as('ml_service', ['publish:*', 'read:*'])
    const { source: _, ...anonymous } = signal()
    const published = await caller.post('/events', anonymous)
    expect(published.status).toBe(200)
    const { body } = await caller.get(`/events/${published.body.message_id}`)
    expect(body).toMatchObject({ source: 'ml_service', metadata: { principal: 'ml_service' } })
  })

  test('a client cannot say that another principal published it, nor that it comes from a source which is not its own', async () => {
    const { as } = await guardedService(kind)
    const caller = await as('ml_service', ['publish:*', 'read:*'])
    const forged = { ...signal(), source: 'ml_service', metadata: { principal: 'risk_service', correlation_id: 'c' } }
    const { message_id } = (await caller.post('/events', forged)).body
    expect((await caller.get(`/events/${message_id}`)).body.metadata).toEqual({
      principal: 'ml_service',
      correlation_id: 'c'
    })
    const refused = await caller.post('/events', { ...signal(), source: 'risk_service' })
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden', pointer: '/source' } })
    expect(refused.body.detail).toBe('ml_service publishes as ml_service, and not as "risk_service".')
    expect((await caller.get('/events')).body.count).toBe(1)
  })
})

describe.each(LOGS)('a stream key, over %s,', (kind) => {
  const paths = ['/events', '/events/batch'] as const
  const bodyFor = (path: string) => (path === '/events' ? signal() : [signal()])

  test('is counted by who has its prefix, and else refused with nothing counted or written', async () => {
    const { as } = await guardedService(kind)
    const anybody = await as('a_test', ['publish:*', 'read:*'])
    const neighbour = await as('a_test', ['publish:*', 'stream:order-8'])
    const owner = await as('a_test', ['publish:*', 'stream:order-7'])
    for (const path of paths) {
      for (const query of ['stream_key=order-7', 'stream_key=order-7&expected_version=0']) {
        for (const caller of [anybody, neighbour]) {
          const refused = await caller.post(`${path}?${query}`, bodyFor(path))
          expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
          expect(refused.body.detail).toBe('a_test lacks the scope stream:order-7.')
        }
      }
      expect((await owner.post(`${path}?stream_key=order-8`, bodyFor(path))).status).toBe(403)
      expect((await owner.post(`${path}?stream_key=order-`, bodyFor(path))).status).toBe(403)
    }
    expect((await anybody.get('/versions?stream_key=order-7')).body.version).toBe(0)
    expect((await anybody.get('/events')).body.count).toBe(0)
    for (const path of paths) expect((await owner.post(`${path}?stream_key=order-7`, bodyFor(path))).status).toBe(200)
    expect((await owner.post('/events?stream_key=order-70', signal())).status).toBe(200)
    expect((await anybody.get('/versions?stream_key=order-7')).body.version).toBe(2)
  })

  test('is counted by whoever may do everything, and by everybody where nobody is asked for credentials', async () => {
    const { as } = await guardedService(kind)
    const mighty = await as('a_test', ['*'])
    const { url } = await serviceOver(kind, { EVENT_AUTH: 'off' })
    const { url: ofNeighbours } = await serviceOver(kind)
    for (const path of paths) {
      expect((await mighty.post(`${path}?stream_key=a`, bodyFor(path))).status).toBe(200)
      expect((await post(`${url}${path}?stream_key=a`, bodyFor(path))).status).toBe(200)
      expect((await post(`${ofNeighbours}${path}?stream_key=a`, bodyFor(path))).status).toBe(200)
    }
  })
})

test('a key with sources of its own publishes as these, and as the first of them where an event names none', async () => {
  const { as } = await guardedService()
  const caller = await as('ml_service', ['publish:*', 'read:*'], { sources: ['ml_v2', 'ml_batch_*'] })
  const { source: _, ...anonymous } = signal()
  await caller.post('/events', anonymous)
  await caller.post('/events', { ...signal(), source: 'ml_batch_7' })
  expect((await caller.post('/events', { ...signal(), source: 'ml_service' })).status).toBe(403)
  const { events } = (await caller.get('/events')).body
  expect(events.map(({ source }: { source: string }) => source)).toEqual(['ml_v2', 'ml_batch_7'])
})

test('a type that may not be published is refused by name, and nothing of its batch is published', async () => {
  const { as } = await guardedService()
  const caller = await as('a_test', ['publish:trading_signal', 'read:*'])
  const order = {
    event_type: 'market_data_update',
    source: 'a_test',
    data: { symbol: 'BTC/USDT', price: 1, volume: 1 }
  }
  const alone = await caller.post('/events', order)
  expect(alone).toMatchObject({
    status: 403,
    body: { code: 'forbidden', detail: 'a_test lacks the scope publish:market_data_update.' }
  })
  const batch = await caller.post('/events/batch', [signal(), order])
  expect(batch).toMatchObject({ status: 403, body: { code: 'forbidden', index: 1 } })
  const shortcut = await caller.post('/events/market-data', {
    symbol: 'BTC/USDT',
    market_data: { price: 1, volume: 1 }
  })
  expect(shortcut).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect((await caller.get('/events')).body.count).toBe(0)
  expect((await caller.post('/events/batch', [signal(), signal()])).status).toBe(200)
})

test.each(['backtest_complete', 'backtest_completed'])(
  'a scope of %s is of the type, under either name',
  async (name) => {
    const { as } = await guardedService()
    const caller = await as('a_test', [`publish:${name}`, `read:${name}`, 'admin:dead-letters'])
    for (const event_type of ['backtest_complete', 'backtest_completed']) {
      expect(await caller.post('/events', { event_type, source: 'a_test' })).toMatchObject({ status: 200 })
      expect(await caller.get(`/events?event_type=${event_type}`)).toMatchObject({ status: 200 })
      expect(await caller.get(`/dead-letters?event_type=${event_type}`)).toMatchObject({ status: 200 })
    }
    expect((await caller.post('/events', signal())).status).toBe(403)
  }
)

test('the name of an alias is no way around: it is the type that counts', async () => {
  const { as } = await guardedService()
  const caller = await as('a_test', ['publish:trading_signal', 'read:trading_signal'])
  const event = { event_type: 'backtest_complete', source: 'a_test', data: { backtest_id: 'b' } }
  expect((await caller.post('/events', event)).status).toBe(403)
  expect((await caller.get('/events?event_type=backtest_complete')).status).toBe(403)
})
