import { writeFile } from 'node:fs/promises'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { get, LOGS, newLog, post, serviceOver, signal } from '../http/support/test-service.ts'
import { keyOf, policyFile } from './support/who.ts'

const ONE_WINDOW = { EVENT_LIMIT_BURST_SECONDS: '60' }

describe.each(LOGS)('over %s', (kind) => {
  test('who has published as many events as it may is refused with 429, is told when to come again, and nothing is appended', async () => {
    const { url } = await serviceOver(kind, { ...ONE_WINDOW, EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '1' })
    const taken = await post(
      `${url}/events/batch`,
      Array.from({ length: 59 }, () => signal())
    )
    const last = await post(`${url}/events`, signal())

    const refused = await post(`${url}/events/market-data`, { symbol: 'A', market_data: { price: 1 } })

    expect([taken.status, last.status]).toEqual([200, 200])
    expect(taken.headers.get('ratelimit-policy')).toBe('"publish_events";q=60;w=60;qu="events"')
    expect(taken.headers.get('ratelimit')).toMatch(/^"publish_events";r=1;t=\d+$/)
    expect(refused).toMatchObject({
      status: 429,
      body: {
        code: 'rate_limited',
        detail: expect.stringMatching(
          /^Your address \(127\.0\.0\.1\) may publish 60 events in 60 s \(EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND, .*come again in \d+ s\.$/
        )
      }
    })
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(30)
    expect(wait).toBeLessThanOrEqual(60)
    expect(refused.headers.get('ratelimit')).toMatch(/^"publish_events";r=0;t=\d+$/)
    expect((await get(`${url}/events/stats`)).body.stream_length).toBe(60)
    expect((await get(`${url}/metrics`)).text).toContain('event_service_rate_limited_total{limit="publish_events"} 1')
  })

  test('when the seconds are over there is as much again', async () => {
    const { url } = await serviceOver(kind, {
      EVENT_LIMIT_BURST_SECONDS: '1',
      EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '2'
    })
    await post(`${url}/events/batch`, [signal(), signal()])
    expect((await post(`${url}/events`, signal())).status).toBe(429)

    await waitFor(async () => (await post(`${url}/events`, signal())).status === 200)
  })

  test('bytes are counted as the body has them', async () => {
    const { url } = await serviceOver(kind, { ...ONE_WINDOW, EVENT_LIMIT_PUBLISH_BYTES_PER_SECOND: '10' })
    const body = JSON.stringify(signal('Ä'.repeat(70)))

    const statuses = [
      await post(`${url}/events`, body),
      await post(`${url}/events`, body),
      await post(`${url}/events`, body)
    ]

    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429])
    const left = 600 - 2 * Buffer.byteLength(body)
    expect(statuses[1]?.headers.get('ratelimit')).toMatch(new RegExp(`^"publish_bytes";r=${left};t=`))
    expect(statuses[0]?.headers.get('ratelimit-policy')).toBe('"publish_bytes";q=600;w=60;qu="content-bytes"')
  })

  test('what never fits is refused with 413, and uses nothing up', async () => {
    const { url } = await serviceOver(kind, { ...ONE_WINDOW, EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '1' })

    const refused = await post(
      `${url}/events/batch`,
      Array.from({ length: 61 }, () => signal())
    )

    expect(refused).toMatchObject({
      status: 413,
      body: {
        code: 'payload_too_large',
        detail: expect.stringMatching(/60 events in 60 s .*this is 61 at once: send it in parts/)
      }
    })
    expect(
      (
        await post(
          `${url}/events/batch`,
          Array.from({ length: 60 }, () => signal())
        )
      ).status
    ).toBe(200)
  })

  test('each principal has limits of its own: those of the policy, of several the most generous, else those of all', async () => {
    const log = await newLog(kind)
    const environment = {
      ...log,
      ...ONE_WINDOW,
      EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '1',
      EVENT_POLICY_FILE: await policyFile({
        roles: { feeder: { scopes: ['publish:*'], limits: { publish_events_per_second: 2 } } },
        principals: {
          'feed-*': { roles: ['feeder'], limits: { publish_events_per_second: 3 } },
          free: { scopes: ['publish:*'], limits: { publish_events_per_second: null } },
          plain: { scopes: ['publish:*'] }
        }
      })
    }
    const service = await serviceOver(kind, environment)
    const quotaOf = async (name: string) => {
      const key = await keyOf(service, name)
      const answer = await post(`${service.url}/events`, { ...signal(), source: name }, { 'x-api-key': key })
      return /q=(\d+)/.exec(answer.headers.get('ratelimit-policy') ?? '')?.[1] ?? answer.status
    }

    expect(await quotaOf('feed-a')).toBe('180')
    expect(await quotaOf('plain')).toBe('60')
    expect(await quotaOf('free')).toBe(200)
  })

  test('one who has used up its limit does not touch another', async () => {
    const environment = { ...ONE_WINDOW, EVENT_LIMIT_REQUESTS_PER_SECOND: '1', EVENT_AUTH: 'required' }
    const service = await serviceOver(kind, environment)
    const [greedy, modest] = [await keyOf(service, 'greedy', ['stats']), await keyOf(service, 'modest', ['stats'])]
    const ask = (key: string) => get(`${service.url}/events/stats`, { headers: { 'x-api-key': key } })
    const answers = await Promise.all(Array.from({ length: 70 }, () => ask(greedy)))

    expect(answers.filter(({ status }) => status === 200).length).toBe(60)
    expect(answers.find(({ status }) => status === 429)?.body.detail).toMatch(/^greedy may send 60 requests in 60 s/)
    expect((await ask(modest)).status).toBe(200)
    expect((await get(`${service.url}/health`)).status, 'probes are not limited').toBe(200)
  })
})

test.each([
  ['read_requests', 'EVENT_LIMIT_READ_REQUESTS_PER_SECOND', '/events?limit=1', '/events/types'],
  ['admin_requests', 'EVENT_LIMIT_ADMIN_REQUESTS_PER_SECOND', '/keys', '/events?limit=1'],
  ['consume_requests', 'EVENT_LIMIT_CONSUME_REQUESTS_PER_SECOND', '/groups/g/ack', '/events?limit=1']
])('%s limits requests of its kind and no others', async (limit, variable, limited, other) => {
  const { url } = await serviceOver('sqlite', { ...ONE_WINDOW, [variable]: '1' })
  const ask = (path: string) =>
    path.endsWith('/ack') ? post(`${url}${path}`, { delivery_ids: ['x'] }) : get(`${url}${path}`)
  const first = await ask(limited)
  for (let i = 1; i < 60; i++) await ask(limited)

  const refused = await ask(limited)

  expect(first.status).not.toBe(429)
  expect(first.headers.get('ratelimit-policy')).toBe(`"${limit}";q=60;w=60`)
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'rate_limited', detail: expect.stringContaining(variable) }
  })
  expect((await ask(other)).status).toBe(200)
})

test('without limits no answer speaks of them', async () => {
  const { url } = await serviceOver()
  const { headers, status } = await post(`${url}/events`, signal())
  expect([status, headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([200, null, null])
})

test('instances over one Redis count together', async () => {
  const log = await newLog('redis')
  const environment = { ...log, EVENT_LIMIT_BURST_SECONDS: '5', EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '20' }
  const instances = [await serviceOver('redis', environment), await serviceOver('redis', environment)]

  const answers = await Promise.all(
    Array.from({ length: 130 }, (_, i) => post(`${instances[i % 2]?.url}/events`, signal()))
  )

  expect(answers.filter(({ status }) => status === 200).length).toBe(100)
  expect(answers.filter(({ status }) => status === 429).length).toBe(30)
})

test('while Redis does not answer, an instance counts for itself, and refuses nothing because of that', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const { url } = await serviceOver('redis', {
    REDIS_URL: redis.url,
    ...ONE_WINDOW,
    EVENT_LIMIT_REQUESTS_PER_SECOND: '1'
  })
  const ask = async () => (await get(`${url}/events/types`)).status
  expect(await ask()).toBe(200)
  redis.pause()
  onTestFinished(() => redis.resume())

  const startedAt = performance.now()
  const statuses: number[] = []
  for (let i = 0; i < 61; i++) statuses.push(await ask())

  expect(statuses.filter((status) => status === 200).length).toBe(60)
  expect(statuses.at(-1)).toBe(429)
  expect(performance.now() - startedAt).toBeLessThan(15_000)
})

test('limits of the policy that change hold from then on', async () => {
  const path = await policyFile({ principals: { a: { scopes: ['stats'], limits: { requests_per_second: 5 } } } })
  const service = await serviceOver('sqlite', { ...ONE_WINDOW, EVENT_POLICY_FILE: path })
  const key = await keyOf(service, 'a')
  const quota = async () =>
    (await get(`${service.url}/events/stats`, { headers: { 'x-api-key': key } })).headers.get('ratelimit-policy')
  expect(await quota()).toBe('"requests";q=300;w=60')

  await writeFile(
    path,
    JSON.stringify({ principals: { a: { scopes: ['stats'], limits: { requests_per_second: 7 } } } })
  )

  await waitFor(async () => (await quota()) === '"requests";q=420;w=60')
})
