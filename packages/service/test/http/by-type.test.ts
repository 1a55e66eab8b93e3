import { EventClient } from '@tradpal/event-client'
import { createEvent, type Event, systemClock } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, newLog, post, serviceOver } from './support/test-service.ts'

/** A service over a log with a stream for each event type. */
async function service() {
  const environment: Record<string, string> = { ...(await newLog('redis')), EVENT_PARTITIONING: 'type' }
  return { environment, ...(await serviceOver('redis', environment)) }
}

function order(order_id: string) {
  return { symbol: 'BTC/USDT', order_id, side: 'BUY' as const, quantity: 1, price: 1 }
}

function mixed(count: number): Event[] {
  return Array.from({ length: count }, (_, i) =>
    i % 2 === 0
      ? createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', reason: `${i}` })
      : createEvent('order_executed', order(`${i}`))
  )
}

test('pages of events lead on by their position, and a message id in its place is refused with what would be right', async () => {
  const { url, system } = await service()
  const ids = await system.publishBatch(mixed(9))

  const found: string[] = []
  for (let after = '0-0'; found.length < ids.length; ) {
    const { body } = await get(`${url}/events?limit=2&after=${after}`)
    expect(body.count).toBeGreaterThan(0)
    found.push(...body.events.map(({ message_id }: { message_id: string }) => message_id))
    after = body.position
  }
  expect(found).toEqual(ids)

  const newest = (await get(`${url}/events?limit=3`)).body
  await system.publishBatch(mixed(3))
  expect((await get(`${url}/events?after=${newest.position}`)).body.count).toBe(3)

  const refused = await get(`${url}/events?after=${ids[2]}`)
  expect([refused.status, refused.body.code]).toEqual([400, 'invalid_message_id'])
  expect(refused.text).toContain('give the position of an answer, a page or a frame')
})

test('a live stream resumes from the id of its last frame, with no gap and no repeat, when a type is new', async () => {
  const { url, system } = await service()
  const first = await system.publishBatch(mixed(3).filter(({ eventType }) => eventType === 'trading_signal'))
  const reader = await SseReader.open(`${url}/events/stream?after=start`)
  const [, last] = await reader.untilEvents(2)
  reader.close()
  const ids = await system.publishBatch(mixed(4))

  const resumed = await SseReader.open(`${url}/events/stream`, { 'last-event-id': last?.id ?? '' })
  const frames = await resumed.untilEvents(4)
  resumed.close()

  expect(first).toHaveLength(2)
  expect(frames.map(({ data }) => (data as { message_id: string }).message_id)).toEqual(ids)
})

test('a subscription of the client continues at the position of another', async () => {
  const { url, system } = await service()
  const ids = await system.publishBatch(mixed(6))
  await using client = new EventClient({ url })
  const take = async (after: string, count: number) => {
    const subscription = client.subscribe({ after })
    const taken: string[] = []
    for await (const { messageId } of subscription) {
      taken.push(messageId)
      if (taken.length === count) break
    }
    return { taken, position: subscription.position ?? '' }
  }
  const early = await take('start', 4)
  const late = await take(early.position, 2)
  expect([...early.taken, ...late.taken]).toEqual(ids)
  const { events, position } = await client.getPage({ after: early.position })
  expect([events.map(({ messageId }) => messageId), (await client.getPage({ after: position })).events]).toEqual([
    ids.slice(4),
    []
  ])
})

test('lineage, groups and the statistics speak of events of several types', async () => {
  const { url, system } = await service()
  const cause = createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' })
  const effect = createEvent('order_executed', order('1'), { metadata: { causation_id: cause.eventId } })
  const [of = ''] = await system.publishBatch([cause])
  const [then = ''] = await system.publishBatch([effect])
  const lineage = async (id: string) => (await get(`${url}/events/${id}/lineage`)).body
  expect((await lineage(of)).effects.map(({ message_id }: { message_id: string }) => message_id)).toEqual([then])
  expect((await lineage(then)).causes.map(({ message_id }: { message_id: string }) => message_id)).toEqual([of])

  await system.storage.queue('g').create('start')
  await system.groups.seek('g', 'end')
  expect((await system.groups.get('g')).lag).toBe(0)
  await expect(system.groups.seek('g', then)).rejects.toMatchObject({ code: 'invalid_message_id' })
  expect((await get(`${url}/events/stats`)).body).toMatchObject({ stream_length: 2, first_entry: of, last_entry: then })
  expect((await get(`${url}/health`)).status).toBe(200)
})

test('a group is moved to a position, and one that is pulled begins at a position', async () => {
  const { url, system } = await service()
  const ids = await system.publishBatch(mixed(6))
  const { position } = (await get(`${url}/events?after=0-0&limit=4`)).body
  await system.storage.queue('moved').create('start')
  const moved = await post(`${url}/groups/moved/seek`, { to: position })
  expect(moved.status, moved.text).toBe(200)
  expect((await system.groups.get('moved')).lag).toBe(2)
  const pulled = await post(`${url}/groups/pulled/pull`, { from: position })
  expect(pulled.body.deliveries.map(({ event }: { event: { message_id: string } }) => event.message_id)).toEqual(
    ids.slice(4)
  )

  const refused = await post(`${url}/groups/moved/seek`, { to: ids[4] })
  expect([refused.status, refused.body.code]).toEqual([400, 'invalid_message_id'])
})

test('what another program adds to the plain stream is read and consumed', async () => {
  const { url, system, environment } = await service()
  await system.publishBatch(mixed(2))
  const handled: string[] = []
  system.subscriber.registerHandler('*', ({ messageId }) => void handled.push(messageId))
  await system.startConsuming({ group: 'g', from: 'start' })
  const redis = redisClient(environment.REDIS_URL ?? '')
  await redis.connect()
  onTestFinished(() => redis.close())
  const wire = {
    event_type: 'risk_alert',
    event_id: 'of-python',
    timestamp: new Date(systemClock.now()).toISOString(),
    source: 'python',
    data: {},
    metadata: {}
  }
  const id = await redis.xAdd(environment.EVENT_STREAM_NAME ?? '', '*', { event: JSON.stringify(wire) })
  await waitFor(() => handled.length === 3)
  expect(handled).toContain(id)
  expect((await get(`${url}/events/${id}`)).body.event_id).toBe('of-python')
})
