import { EventClient } from '@tradpal/event-client'
import { createEvent, Documents, systemClock } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { get, LOGS, newLog, serviceOver, signal } from '../support/test-service.ts'
import { type Endpoint, endpointsOf } from './endpoints.ts'
import { apiKeyStrategy, type Caller, certificateStrategy, tokenStrategy } from './strategies.ts'
import { callerWith, guardedService, keyHeaders } from './support.ts'

/** The endpoints that settle deliveries: those whose body names some. */
async function settlingEndpoints(): Promise<Endpoint[]> {
  const { url } = await serviceOver()
  return endpointsOf((await get(`${url}/openapi.json`)).body).filter(({ members }) => members.includes('delivery_ids'))
}

describe.each([
  ['API keys', apiKeyStrategy],
  ['tokens', tokenStrategy],
  ['client certificates', certificateStrategy]
])('with %s', (_, openStrategy) => {
  test('every endpoint that settles lets in the principal that pulled, and nobody else', {
    timeout: 60_000
  }, async () => {
    const endpoints = await settlingEndpoints()
    expect(endpoints.map(({ path }) => path).sort()).toEqual(['/groups/x/ack', '/groups/x/extend', '/groups/x/nack'])
    const strategy = await openStrategy()
    const environment = { EVENT_AUTH: 'required', EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0' }
    const service = await serviceOver('sqlite', { ...environment, ...strategy.environment })
    onTestFinished(() => service.close())
    const { system } = service
    const { may, nameOf, other, ...refused } = await strategy.credentials(service)
    const scopes = ['consume:x', 'read:*']
    const [owner, renewed, another] = [await may(...scopes), await may(...scopes), await other(...scopes)]
    for (const endpoint of endpoints) {
      await system.publishEvent(createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' }))
      const pull = { group: 'x', from: 'start', principal: nameOf(...scopes), leaseMs: 60_000 } as const
      const ids = (await system.puller.pull(pull)).map(({ deliveryId }) => deliveryId)
      const settle = (caller: Caller) => caller({ ...endpoint, body: { delivery_ids: ids } })
      const answers = {
        none: await settle(refused.none),
        expired: await settle(refused.expired),
        revoked: await settle(refused.revoked),
        wrongScope: await settle(await may('consume:another-group')),
        another: await settle(another),
        otherGroup: await owner({
          ...endpoint,
          path: endpoint.path.replace('/x/', '/y/'),
          body: { delivery_ids: ids }
        }),
        renewed: await settle(renewed)
      }
      const expected = { none: 401, expired: 401, revoked: 401, wrongScope: 403, another: 403, otherGroup: 403 }
      expect({ path: endpoint.path, ...answers }).toEqual({ path: endpoint.path, ...expected, renewed: 200 })
    }
  })
})

describe.each(LOGS)('settling, over %s', (kind) => {
  const price = { event_type: 'market_data_update', source: 'feed', data: { symbol: 'AAPL', price: 1 } }

  /** Two signals and a price between them, pulled by `desk`. */
  async function pulledDesk() {
    const place = await newLog(kind)
    const { service, url, as } = await guardedService(kind, place)
    const keys = new ApiKeys(new Documents(service.system.storage), systemClock)
    const { key, apiKey } = await keys.create({ name: 'desk', scopes: ['consume:desk', 'read:*'], by: 'a test' })
    const feed = await as('feed', ['publish:*'], { sources: ['*'] })
    for (const event of [signal(), price, signal()]) expect((await feed.post('/events', event)).status).toBe(200)
    const pulled = await bearing(url, key).post('/groups/desk/pull', { from: 'start', max_attempts: 2 })
    const ids: string[] = pulled.body.deliveries.map((delivery: { delivery_id: string }) => delivery.delivery_id)
    const pending = async () => (await service.system.groups.get('desk')).pending
    return { place, service, url, as, keys, apiKey, ids, pending }
  }

  const bearing = (url: string, key: string) => callerWith(url, { authorization: `Bearer ${key}` })

  test('a key that was rotated, and a new one of the same principal, lose no lease', async () => {
    const { url, keys, apiKey, ids } = await pulledDesk()
    const rotated = await keys.rotate(apiKey.id, { overlapMs: 0, by: 'a test' })
    const another = await keys.create({ name: 'desk', scopes: ['consume:desk', 'read:*'], by: 'a test' })
    const [first = '', ...others] = ids
    const acknowledged = await bearing(url, rotated.key).post('/groups/desk/ack', { delivery_ids: [first] })
    expect(acknowledged.body).toEqual({ acknowledged: 1, lost: [] })
    const settled = await bearing(url, another.key).post('/groups/desk/ack', { delivery_ids: others })
    expect(settled.body).toEqual({ acknowledged: 2, lost: [] })
  })

  test.each(['the same instance', 'another instance'])(
    'what a principal may not read any more it does not settle, over %s, and nothing of the call happens',
    async (where) => {
      const { place, service, url, ids, pending } = await pulledDesk()
      const other = async () => (await serviceOver(kind, { ...place, EVENT_AUTH: 'required' })).url
      const at = where === 'another instance' ? await other() : url
      const desk = callerWith(at, await keyHeaders(service, 'desk', ['consume:desk', 'read:market_data_update']))
      for (const [call, more] of [
        ['ack', {}],
        ['extend', {}],
        ['nack', {}],
        ['nack', { reason: 'no', reject: true }]
      ] as const) {
        const refused = await desk.post(`/groups/desk/${call}`, { delivery_ids: ids, ...more })
        expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
        expect(refused.body.detail).toBe('desk may not settle a trading_signal, which it may not read.')
      }
      expect(await pending()).toBe(3)
      const [, ofPrice] = ids
      const acknowledged = await desk.post('/groups/desk/ack', { delivery_ids: [ofPrice] })
      expect(acknowledged.body).toEqual({ acknowledged: 1, lost: [] })
      expect(await pending()).toBe(2)
    }
  )

  test('the type of a dead letter, and when an event becomes one, are not the caller’s to say', async () => {
    const { service, as, ids } = await pulledDesk()
    const desk = await as('desk', ['consume:desk', 'read:*', 'admin:dead-letters'])
    expect((await desk.post('/groups/desk/nack', { delivery_ids: ids, reason: 'no', delay_ms: 1 })).body).toEqual({
      returned: 3,
      dead: 0,
      lost: []
    })
    const again = await waitFor(async () => {
      const { deliveries } = (await desk.post('/groups/desk/pull', { max: 3 })).body
      const delivered: string[] = deliveries.map((delivery: { delivery_id: string }) => delivery.delivery_id)
      const nacked =
        delivered.length > 0 && (await desk.post('/groups/desk/nack', { delivery_ids: delivered, reason: 'no' }))
      return (await service.system.deadLetters.count()) === 3 && nacked
    })
    expect(again.body.lost).toEqual([])
    const { dead_letters: letters } = (await desk.get('/dead-letters')).body
    expect(letters.map((letter: { event_type: string }) => letter.event_type).sort()).toEqual([
      'market_data_update',
      'trading_signal',
      'trading_signal'
    ])
  })
})

describe.each(LOGS)('the figures of a group, over %s,', (kind) => {
  const figures = ['lag', 'lag_seconds', 'pending', 'retrying', 'oldest_pending_seconds', 'last_delivered_id'] as const

  test('are shown to who looks after groups, has stats, or may read all that a member of the group may', async () => {
    const { service, url, as } = await guardedService(kind, { EVENT_HEALTH_MAX_LAG_MS: '1' })
    const { system } = service
    await system.storage.queue('desk').create('start')
    await system.publishBatch([1, 2].map(() => createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' })))
    await system.storage.queue('desk').read('desk-1', { limit: 1, waitMs: 0 })
    const shown = [['admin:groups'], ['consume:desk', 'stats'], ['consume:desk', 'read:*']]
    const hidden = [['consume:desk'], ['consume:desk', 'read:trading_signal'], ['consume:desk', 'metrics', 'replay']]
    for (const scopes of [...shown, ...hidden]) {
      const isShown = shown.includes(scopes)
      const caller = await as('somebody', scopes)
      const [listed] = (await caller.get('/groups')).body.groups
      const one = (await caller.get('/groups/desk')).body
      for (const group of [listed, one]) {
        for (const name of figures)
          expect({ scopes, name, isShown: group[name] !== null }).toEqual({ scopes, name, isShown })
        expect(group).toMatchObject({ name: 'desk', members: [{ name: 'desk-1', pending: isShown ? 1 : null }] })
      }
      expect(one.pending_events).toEqual(isShown ? [expect.objectContaining({ consumer: 'desk-1' })] : null)
      await using client = new EventClient({ url, headers: await keyHeaders(service, 'somebody', scopes) })
      const { pending, lagMs, lastDelivered } = await client.groups.get('desk')
      expect([pending, lagMs, lastDelivered].map((figure) => figure !== null)).toEqual(Array(3).fill(isShown))
      const page = client.groups.pending('desk')
      await (isShown ? page : expect(page).rejects.toMatchObject({ code: 'forbidden' }))
    }
    expect((await (await as('stats', ['stats', 'consume:desk'])).get('/events/stats')).body.groups).toMatchObject([
      { name: 'desk', pending: 1, lag: 1 }
    ])
    const reasonsFor = async (scopes: string[]) => (await (await as('somebody', scopes)).get('/health')).body.reasons
    await waitFor(async () => (await reasonsFor(['stats'])).length > 0, { what: 'a lag' })
    for (const scopes of [['stats'], ['admin:groups']]) {
      expect(await reasonsFor(scopes)).toEqual([expect.stringMatching(/^The group desk lags .* s behind/)])
    }
    for (const scopes of [['read:*'], ['consume:desk', 'read:*'], ['metrics']]) {
      expect(await reasonsFor(scopes)).toEqual([expect.stringMatching(/^A consumer group is beyond its bounds/)])
    }
  })
})
