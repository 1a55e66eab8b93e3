import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { get, post, serviceOver, signal } from './support/test-service.ts'

/** In each turn of the event loop, so that nothing else can be measured. */
function standStill(ms: number): () => void {
  const busy = setInterval(() => {
    const until = performance.now() + ms
    while (performance.now() < until);
  }, 1)
  const goOn = () => clearInterval(busy)
  onTestFinished(goOn)
  return goOn
}

test('a service that lags behind refuses publishes with Retry-After, answers all else, and takes them again when it has caught up', async () => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_EVENT_LOOP_DELAY_MS: '30' })
  expect((await post(`${url}/events`, signal())).status).toBe(200)
  const goOn = standStill(100)
  const refused = await waitFor(async () => {
    const answer = await post(`${url}/events`, signal())
    return answer.status === 503 && answer
  })
  expect(refused.body).toMatchObject({
    code: 'service_unavailable',
    detail: expect.stringMatching(/lags \d+ ms behind/)
  })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await post(`${url}/events/batch`, [signal()])).status).toBe(503)
  expect((await get(`${url}/health`)).status).toBe(200)
  expect((await get(`${url}/events`)).status).toBe(200)
  goOn()
  await waitFor(async () => (await post(`${url}/events`, signal())).status === 200)
})

test.each([
  { mostMs: 1_000, status: 200 },
  { mostMs: 100, status: 503 }
])('when every turn takes 300 ms, and $mostMs may be lost, the answer is $status', async ({ mostMs, status }) => {
  const { url } = await serviceOver('sqlite', { EVENT_MAX_EVENT_LOOP_DELAY_MS: String(mostMs) })
  const startedAt = performance.now()
  // What is measured at the start does not count, as long as that lasts.
  await waitFor(() => performance.now() - startedAt > 1_000)
  standStill(300)
  const answers: number[] = []
  for (let i = 0; i < 6; i++) answers.push((await post(`${url}/events`, signal())).status)
  expect(answers.slice(2)).toEqual([status, status, status, status])
})

test('a publish for which there is no room is refused at once with Retry-After', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const environment = { REDIS_URL: redis.url, EVENT_PUBLISH_MAX_IN_FLIGHT: '1', EVENT_LOG_TIMEOUT_MS: '3000' }
  const { url, system } = await serviceOver('redis', environment)
  expect((await post(`${url}/events`, signal())).status).toBe(200)
  redis.pause()
  const first = post(`${url}/events`, signal())
  await waitFor(async () => (await system.publisher.state()).inFlight.events === 1)
  const second = await post(`${url}/events`, signal())
  expect(second).toMatchObject({ status: 503, body: { code: 'publisher_busy' } })
  expect(second.headers.get('retry-after')).toBe('1')
  redis.resume()
  expect((await first).status).toBe(200)
})
