import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { createEvent } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { runCommand } from '../cli/support/command.ts'
import { get, post, serviceOver, signal } from './support/test-service.ts'

const ASYNC = { prefer: 'handling=lenient, respond-async' }

/** A service with a spool, over a Redis of its own. */
async function spooling() {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-spool-'))
  const redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
  const file = join(folder, 'spool.db')
  onTestFinished(async () => {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const environment = { REDIS_URL: redis.url, EVENT_SPOOL_PATH: file, EVENT_LOG_TIMEOUT_MS: '2000' }
  const { url, system } = await serviceOver('redis', environment)
  return { url, system, redis, file }
}

test('while Redis is away, 202 to who asks for it and 503 with Retry-After to who does not; then all that was accepted is there', async () => {
  const { url, redis } = await spooling()
  expect((await post(`${url}/events`, signal('A'), ASYNC)).body).toMatchObject({ status: 'published' })
  await redis.kill()

  const refused = await post(`${url}/events`, signal('B'))
  const spooled = await post(`${url}/events`, { ...signal('C'), event_id: 'c' }, ASYNC)
  const shortcut = await post(`${url}/events/trading-signal`, { signal: signal('D').data }, ASYNC)
  const batch = await post(`${url}/events/batch`, [signal('E'), { ...signal('F'), event_id: 'f' }], ASYNC)

  expect(refused).toMatchObject({ status: 503, body: { code: 'log_unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(spooled).toMatchObject({
    status: 202,
    body: { status: 'spooled', event_id: 'c', spool_id: expect.stringMatching(/^spool:\d+-\d+$/) }
  })
  expect(spooled.headers.get('preference-applied')).toBe('respond-async')
  expect(shortcut).toMatchObject({ status: 202, body: { status: 'spooled' } })
  expect(batch).toMatchObject({
    status: 202,
    body: { status: 'spooled', count: 2, event_ids: [expect.any(String), 'f'], spool_id: expect.any(String) }
  })

  await redis.restart()
  await waitFor(async () => (await get(`${url}/health`)).body.publishing.spool.events === 0)
  const { body } = await get(`${url}/events`)
  expect(body.events.map(({ data }: { data: { symbol: string } }) => data.symbol)).toEqual(['A', 'C', 'D', 'E', 'F'])
})

test('a service with a spool starts while Redis is away, and answers what it can', async () => {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-spool-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}`, EVENT_SPOOL_PATH: join(folder, 'spool.db') }
  const { url } = await serviceOver('redis', environment)
  expect(await post(`${url}/events`, signal('A'), ASYNC)).toMatchObject({ status: 202 })
  expect(await get(`${url}/events`)).toMatchObject({ status: 503, body: { code: 'log_unavailable' } })
  expect(await get(`${url}/health`)).toMatchObject({ status: 200, body: { status: 'degraded' } })
  const redis = await startRedis({ port })
  onTestFinished(() => redis.stop())
  await waitFor(async () => (await get(`${url}/events`)).body?.count === 1)
})

test('health, stats, metrics and the command line show what waits in the spool, and that publishing goes on', async () => {
  const { url, redis, file } = await spooling()
  const events = [signal('A'), signal('B'), signal('C')]
  await redis.kill()
  for (const event of events) await post(`${url}/events`, event, ASYNC)

  const health = await get(`${url}/health`)
  const { text: metrics } = await get(`${url}/metrics`)
  const ofService = await runCommand(['spool', '--url', url, '--json'])
  const ofFile = await runCommand(['spool', '--file', file, '--json'])
  const lines = await runCommand(['spool', '--file', file, '--events'])

  const spool = { location: file, events: 3, max_bytes: 1024 ** 3, spooled: 3, drained: 0 }
  expect(health).toMatchObject({
    status: 200,
    body: {
      status: 'degraded',
      log: { reachable: false },
      publishing: { log_takes: false, in_flight: 0, spool: { ...spool, oldest_seconds: expect.any(Number) } }
    }
  })
  expect(health.body.reasons.at(-1)).toMatch(/^3 events wait in the spool, the oldest for [\d.]+ s\.$/)
  expect(metrics).toMatch(/^event_service_spool_events 3$/m)
  expect(metrics).toMatch(/^event_service_events_spooled_total 3$/m)
  expect(metrics).toMatch(/^event_service_log_takes 0$/m)
  expect(JSON.parse(ofService.stdout)).toMatchObject(spool)
  expect(JSON.parse(ofFile.stdout)).toMatchObject({ location: file, events: 3, bytes: expect.any(Number) })
  const symbols = lines.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).data.symbol)
  expect(symbols).toEqual(['A', 'B', 'C'])

  await redis.restart()
  await waitFor(async () => (await get(`${url}/health`)).body.status === 'healthy')
  expect((await get(`${url}/events/stats`)).body).toMatchObject({ stream_length: 3, spool: { events: 0, drained: 3 } })
  expect((await get(`${url}/metrics`)).text).toMatch(
    /^event_service_events_published_total\{event_type="trading_signal"\} 3$/m
  )
})

test('an event of the spool whose id stands for another event is refused: health, stats, metrics and the command line show it until it is discarded', async () => {
  const { url, redis, file } = await spooling()
  const priced = (price: number, event_id: string) => ({ ...signal('A', { price }), event_id })
  const { message_id } = (await post(`${url}/events`, priced(1, 'a'))).body
  await redis.kill()
  expect(await post(`${url}/events`, priced(99, 'a'), ASYNC)).toMatchObject({ status: 202 })
  expect(await post(`${url}/events`, priced(2, 'b'), ASYNC)).toMatchObject({ status: 202 })
  await redis.restart()
  const spoolOf = async () => (await get(`${url}/health`)).body.publishing.spool
  await waitFor(async () => (await spoolOf()).events === 0)

  const { events } = (await get(`${url}/events`)).body
  expect(events.map(({ data }: { data: { price: number } }) => data.price)).toEqual([1, 2])
  const sentence = '1 event of the spool was refused by the log for good: look at them, and discard them.'
  expect((await get(`${url}/health`)).body).toMatchObject({ status: 'degraded', reasons: [sentence] })
  expect((await get(`${url}/events/stats`)).body.spool).toMatchObject({ events: 0, drained: 1, refused: 1 })
  expect((await get(`${url}/metrics`)).text).toMatch(/^event_service_spool_refused_events 1$/m)
  expect(JSON.parse((await runCommand(['spool', '--url', url, '--json'])).stdout)).toMatchObject({ refused: 1 })
  expect(JSON.parse((await runCommand(['spool', '--file', file, '--json'])).stdout)).toMatchObject({ refused: 1 })
  const refused = JSON.parse((await runCommand(['spool', '--file', file, '--refused'])).stdout)
  expect(refused).toMatchObject({
    first_message_id: message_id,
    reason: expect.stringContaining('The event id "a" was published before'),
    event: { event_id: 'a', data: { price: 99 } }
  })

  const missing = await runCommand(['spool', '--file', file, '--discard', 'none'])
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('(not_found)') })
  const discarded = await runCommand(['spool', '--file', file, '--discard', refused.id])
  expect(discarded).toMatchObject({ code: 0, stdout: '1 refused event is discarded\n' })
  expect((await runCommand(['spool', '--file', file, '--refused'])).stdout).toBe('')
  expect((await get(`${url}/health`)).body).toMatchObject({ status: 'healthy', publishing: { spool: { refused: 0 } } })
})

test('a client that is content with the spool is told so in its receipt', async () => {
  const { url, redis } = await spooling()
  const client = new EventClient({ url, retries: 0 })
  onTestFinished(() => client.close())
  const newSignal = () => createEvent('trading_signal', { symbol: 'A', signal: 'BUY' }, { source: 'test' })
  expect(await client.publish(newSignal(), { spool: 'allowed' })).toMatchObject({ status: 'published' })
  await redis.kill()
  const event = newSignal()
  expect(await client.publish(event, { spool: 'allowed' })).toEqual({
    status: 'spooled',
    messageId: expect.stringMatching(/^spool:/),
    eventId: event.eventId,
    duplicate: false
  })
  const [first, second] = await client.publishBatch([newSignal(), newSignal()], { spool: 'allowed' })
  expect(first).toMatch(/^spool:/)
  expect(second).toBe(first)
  await expect(client.publish(newSignal())).rejects.toMatchObject({ code: 'log_unavailable' })
})

test.each([
  [['spool', '--file', '/no/such/spool.db'], /There is no spool at/],
  [['spool', '--events'], /give --file/],
  [['spool', '--discard', '1'], /give --file/],
  [['spool', '--file', '/no/such/spool.db', '--events', '--refused'], /Give one of/]
])('%o is refused', async (args, sentence) => {
  const { code, stderr } = await runCommand(args)
  expect(code).not.toBe(0)
  expect(stderr).toMatch(sentence)
})
