import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, test } from 'vitest'
import { connectTo, rawRequest, sendRaw } from '../http/support/raw-request.ts'
import { SseReader } from '../http/support/sse-reader.ts'
import { get, newLog, post, serviceOver, signal } from '../http/support/test-service.ts'
import { keyOf, policyFile } from './support/who.ts'

test('more streams than there may be in all are refused with 503, and there is room again when one ends', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_STREAMS: '2' })
  const [first] = [await SseReader.open(`${url}/events/stream`), await SseReader.open(`${url}/events/stream`)]

  const refused = await get(`${url}/events/stream`)

  expect(refused).toMatchObject({
    status: 503,
    body: {
      code: 'service_unavailable',
      detail: expect.stringMatching(/^The service has 2 streams under way.*EVENT_MAX_STREAMS/)
    }
  })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await get(`${url}/metrics`)).text).toContain('event_service_rate_limited_total{limit="streams"} 1')
  first?.close()
  await waitFor(async () => (await SseReader.open(`${url}/events/stream`)).response.statusCode === 200)
})

test('a principal that has as many streams as it may is refused with 429, and no other is', async () => {
  const policy = await policyFile({
    principals: { more: { scopes: ['read:*'], limits: { streams: 3 } }, some: { scopes: ['read:*'] } }
  })
  const service = await serviceOver('sqlite', { EVENT_POLICY_FILE: policy, EVENT_MAX_STREAMS_PER_PRINCIPAL: '1' })
  const open = async (key: string) =>
    (await SseReader.open(`${service.url}/events/stream`, { 'x-api-key': key })).response.statusCode
  const [some, more] = [await keyOf(service, 'some'), await keyOf(service, 'more')]
  const statuses = [
    await open(some),
    await open(some),
    await open(more),
    await open(more),
    await open(more),
    await open(more)
  ]

  expect(statuses).toEqual([200, 429, 200, 200, 200, 429])
  const { body } = await get(`${service.url}/events/stream`, { headers: { 'x-api-key': some } })
  expect(body).toMatchObject({
    code: 'rate_limited',
    detail: expect.stringMatching(
      /^some has 1 streams under way.*EVENT_MAX_STREAMS_PER_PRINCIPAL, or streams of the policy/
    )
  })
})

test('pulls that wait are bounded; one that is over makes room', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_PULLS_PER_PRINCIPAL: '1' })
  const pull = (waitMs: number) => post(`${url}/groups/g/pull`, { wait_ms: waitMs })
  const waiting = pull(20_000)
  const refused = await waitFor(async () => {
    const answer = await pull(0)
    return answer.status === 429 && answer
  })

  expect(refused.body.detail).toMatch(/has 1 pulls under way.*EVENT_MAX_PULLS_PER_PRINCIPAL/)
  await post(`${url}/events`, signal())
  expect((await waiting).body.count).toBe(1)
  expect((await pull(0)).status).toBe(200)
})

test('replays under way are bounded', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_REPLAYS: '1' })
  await post(`${url}/events`, signal())
  await new Promise((resolve) => setTimeout(resolve, 5))
  await post(`${url}/events`, signal())
  const abort = new AbortController()
  const slow = fetch(`${url}/events/replay?speed=0.00001`, {
    method: 'POST',
    headers: { accept: 'application/x-ndjson' },
    signal: abort.signal
  })
  await slow

  const refused = await post(`${url}/events/replay`)

  expect(refused).toMatchObject({
    status: 503,
    body: { detail: expect.stringMatching(/1 replays under way.*EVENT_MAX_REPLAYS/) }
  })
  abort.abort()
  await waitFor(async () => (await post(`${url}/events/replay`)).status === 200)
})

test('a stream whose reader is gone before it begins keeps no place', async () => {
  const system = new EventSystem({ environment: await newLog('sqlite') })
  const { url } = await serviceOver('sqlite', { EVENT_MAX_CONNECTIONS: '1' }, { system })
  const [reading, gone, followed] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as Promises
  const [read, follow] = [system.storage.log.read.bind(system.storage.log), system.store.follow.bind(system.store)]
  system.storage.log.read = async (options) => {
    reading.resolve()
    await gone.promise
    return read(options)
  }
  system.store.follow = (...options) => {
    followed.resolve()
    return follow(...options)
  }
  const socket = await connectTo(url)
  socket.write(rawRequest('GET /events/stream'))
  await reading.promise
  socket.destroy()
  const openStreams = async () =>
    JSON.parse((await sendRaw(url, rawRequest('GET /health')))[0]?.body ?? '').open_streams
  // There is room for one connection: when another is answered, the service has seen the end of the first.
  await waitFor(async () => (await openStreams()) === 0)

  gone.resolve()
  await followed.promise

  await waitFor(async () => (await openStreams()) === 0, { what: 'the end of the stream' })
})

type Promises = [PromiseWithResolvers<void>, PromiseWithResolvers<void>, PromiseWithResolvers<void>]
