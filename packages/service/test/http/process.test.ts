import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { noteLeaks } from '../support/leaks.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, newLog, post, signal } from './support/test-service.ts'

const entry = join(import.meta.dirname, '../../src/main.ts')

/** What a service says first that nobody told who may use it. */
const SAYS_WHO_MAY = expect.stringContaining('set EVENT_AUTH=required')

interface Served {
  readonly child: ChildProcess
  readonly out: () => string
  readonly errors: () => string
  /** Resolves when the process has ended, to its exit code. */
  readonly exit: Promise<number | null>
  url(): Promise<string>
  lines(): { msg: string; [key: string]: unknown }[]
}

function serve(environment: Record<string, string>): Served {
  const child = spawn(process.execPath, ['--conditions=tradpal-source', entry, 'serve'], {
    env: { PATH: process.env.PATH ?? '', EVENT_SERVICE_PORT: '0', EVENT_SERVICE_HOST: '127.0.0.1', ...environment }
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const texts = { out: '', errors: '' }
  child.stdout.on('data', (bytes) => {
    texts.out += bytes
  })
  child.stderr.on('data', (bytes) => {
    texts.errors += bytes
  })
  return {
    child,
    out: () => texts.out,
    errors: () => texts.errors,
    exit: once(child, 'close').then(([code]) => {
      noteLeaks(texts.out + texts.errors)
      return code
    }),
    url: () => waitFor(() => /http:\/\/127\.0\.0\.1:\d+/.exec(texts.out)?.[0], { timeoutMs: 60_000, what: 'the url' }),
    lines: () =>
      texts.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
  }
}

test('SIGTERM ends it with 0: streams end, what was accepted is answered, and it says so', async () => {
  const served = serve(await newLog('sqlite'))
  const url = await served.url()
  const { body } = await post(`${url}/events`, signal())
  const reader = await SseReader.open(`${url}/events/stream?after=start`)
  await reader.untilEvents(1)
  const started = performance.now()

  served.child.kill('SIGTERM')

  expect(await served.exit).toBe(0)
  expect(performance.now() - started).toBeLessThan(20_000)
  expect(reader.ids).toEqual([body.message_id])
  expect(reader.response.complete).toBe(true)
  expect(served.errors()).toBe('')
  expect(served.lines().map(({ msg }) => msg)).toEqual([
    SAYS_WHO_MAY,
    'the event service listens',
    'the event service has stopped'
  ])
})

test('a publish that is under way when SIGINT comes is answered', async () => {
  const served = serve(await newLog('sqlite'))
  const url = await served.url()
  const publishes = Array.from({ length: 200 }, () =>
    post(`${url}/events`, signal()).then(
      ({ status }) => status,
      () => 'refused'
    )
  )
  await waitFor(async () => (await get(`${url}/events/stats`)).body.stream_length > 0)

  served.child.kill('SIGINT')

  expect(await served.exit).toBe(0)
  for (const outcome of await Promise.all(publishes)) expect([200, 'refused']).toContain(outcome)
})

test('a connection on which nothing is asked does not hold the end up', async () => {
  const served = serve(await newLog('sqlite'))
  const silent = connect(Number(new URL(await served.url()).port), '127.0.0.1')
  onTestFinished(() => void silent.destroy())
  await once(silent, 'connect')
  silent.resume()

  served.child.kill('SIGTERM')

  expect(await served.exit).toBe(0)
  expect(served.lines().map(({ msg }) => msg)).toEqual([
    SAYS_WHO_MAY,
    'the event service listens',
    'the event service has stopped'
  ])
})

test('a second signal ends it at once', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const served = serve({ REDIS_URL: redis.url, EVENT_LOG_TIMEOUT_MS: '60000' })
  const url = await served.url()
  redis.pause()
  const hanging = post(`${url}/events`, signal()).catch(() => undefined)
  await waitFor(async () => (await fetch(url)).ok)

  served.child.kill('SIGTERM')
  await waitFor(async () =>
    fetch(url).then(
      () => false,
      () => true
    )
  )
  served.child.kill('SIGTERM')

  expect(await served.exit).toBe(1)
  redis.resume()
  await hanging
})

test('every wrong variable is told in one sentence, and the exit code is 2', async () => {
  const served = serve({
    EVENT_SERVICE_PORT: '80111',
    EVENT_MAX_BODY_BYTES: '1MB',
    METRICS_UPDATE_INTERVAL: '0',
    STREAM_MONITOR_INTERVAL: '-1',
    LOG_LEVEL: 'loud',
    EVENT_TYPES_FILE: '/nowhere/types.json',
    EVENT_HEARTBEAT_INTERVAL_MS: 'x',
    EVENT_STREAM_MAX_BUFFER_BYTES: '1',
    EVENT_LOG_DURABILITY: 'stone',
    EVENT_LOG_TIMEOUT_MS: 'soon',
    EVENT_RETENTION_MAX_LENGTH: 'all',
    EVENT_RETENTION_MAX_AGE: '30',
    EVENT_RETENTION_MAX_BYTES: '1GB',
    EVENT_RETENTION_BY_TYPE: 'no_such_type=1d'
  })

  expect(await served.exit).toBe(2)
  const lines = served.errors().trimEnd().split('\n')
  expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual([
    'EVENT_HEARTBEAT_INTERVAL_MS',
    'EVENT_LOG_DURABILITY',
    'EVENT_LOG_TIMEOUT_MS',
    'EVENT_MAX_BODY_BYTES',
    'EVENT_RETENTION_BY_TYPE:',
    'EVENT_RETENTION_MAX_AGE:',
    'EVENT_RETENTION_MAX_BYTES:',
    'EVENT_RETENTION_MAX_LENGTH:',
    'EVENT_SERVICE_PORT',
    'EVENT_STREAM_MAX_BUFFER_BYTES',
    'EVENT_TYPES_FILE',
    'LOG_LEVEL',
    'METRICS_UPDATE_INTERVAL',
    'STREAM_MONITOR_INTERVAL'
  ])
  expect(served.errors()).toContain('EVENT_SERVICE_PORT must be a whole number from 0 to 65535, got "80111".')
  expect(served.out()).toBe('')
})

test('a log that cannot be opened ends it with 1 and one sentence that keeps the password to itself', async () => {
  const redis = serve({ REDIS_URL: `redis://someone:hunter2@127.0.0.1:${await freePort()}` })
  const file = serve({ EVENT_LOG_PATH: entry })

  expect(await Promise.all([redis.exit, file.exit])).toEqual([1, 1])
  for (const { errors, out } of [redis, file]) {
    expect(errors().trimEnd()).toMatch(/^[^\n]+\.$/)
    expect(errors() + out()).not.toContain('hunter2')
  }
})

test('a port that is taken ends it with 1 and says so', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => {
    other.close()
  })
  const { port } = other.address() as AddressInfo
  const served = serve({ ...(await newLog('sqlite')), EVENT_SERVICE_PORT: String(port) })

  expect(await served.exit).toBe(1)
  expect(served.errors()).toMatch(`Another process listens on 127.0.0.1:${port}`)
})

test('it logs JSON: its configuration without secrets, failures with their code, and requests at debug only', async () => {
  const redis = await startRedis({ requirepass: 'hunter2', appendonly: 'yes' })
  onTestFinished(() => redis.stop())
  const environment = {
    REDIS_URL: redis.url.replace('redis://', 'redis://:hunter2@'),
    METRICS_UPDATE_INTERVAL: '7',
    EVENT_DEDUPLICATION_WINDOW_MS: '77000',
    EVENT_HEALTH_MAX_DEAD_LETTERS: '3'
  }
  const [quiet, loud] = [serve(environment), serve({ ...environment, LOG_LEVEL: 'debug' })]

  for (const served of [quiet, loud]) {
    const url = await served.url()
    await post(`${url}/events`, signal())
    await post(`${url}/events`, { event_type: 'nope' })
    served.child.kill('SIGTERM')
    expect(await served.exit).toBe(0)
  }

  expect(quiet.lines().map(({ msg }) => msg)).toEqual([
    SAYS_WHO_MAY,
    'the event service listens',
    'a request was refused',
    'the event service has stopped'
  ])
  expect(quiet.lines()[1]).toMatchObject({
    configuration: {
      metricsUpdateIntervalSeconds: 7,
      maxBodyBytes: 1_048_576,
      consumerGroup: 'tradpal_consumers',
      health: { maxDeadLetters: 3 },
      log: { kind: 'redis', deduplicationWindowMs: 77_000, timeoutMs: 5_000 }
    }
  })
  expect(quiet.lines()[2]).toMatchObject({ code: 'unknown_event_type', status: 400, url: '/events' })
  expect(loud.lines().filter(({ msg }) => msg === 'answered')).toMatchObject([
    { method: 'POST', url: '/events', status: 200 },
    { method: 'POST', url: '/events', status: 400 }
  ])
  expect(quiet.out() + loud.out() + quiet.errors()).not.toContain('hunter2')
})

test('it logs once that its log is away, however many requests that fails', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const served = serve({ REDIS_URL: redis.url })
  const url = await served.url()
  await redis.kill()
  for (let i = 0; i < 5; i++) expect(await get(`${url}/events`)).toMatchObject({ status: 503 })
  expect((await get(`${url}/events/nonsense`)).status).toBe(400)
  await waitFor(() => served.lines().some(({ code }) => code === 'invalid_message_id'))
  expect(served.lines().filter(({ code }) => code === 'log_unavailable')).toMatchObject([
    { msg: 'a request failed', status: 503 }
  ])
  expect((await get(`${url}/metrics`)).text).toMatch(/_errors_total\{code="log_unavailable"\} 5$/m)
})

test('EVENT_TYPES_FILE registers further types', async () => {
  const log = await newLog('sqlite')
  const file = `${log.EVENT_LOG_PATH}.types.json`
  const schema = { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } }
  await writeFile(file, JSON.stringify({ order_cancelled: schema }))
  const url = await serve({ ...log, EVENT_TYPES_FILE: file }).url()

  const taken = await post(`${url}/events`, { event_type: 'order_cancelled', data: { order_id: 'a' } })
  const refused = await post(`${url}/events`, { event_type: 'order_cancelled', data: {} })

  expect(taken.status).toBe(200)
  expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_data', pointer: '/data/order_id' } })
  expect((await get(`${url}/events/types`)).body.event_types).toContain('order_cancelled')
})
