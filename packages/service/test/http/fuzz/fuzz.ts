import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { silentLogger } from '@tradpal/event-system'
import fc from 'fast-check'
import { redisClient } from '../../../../../test/support/redis-client.ts'
import { startRedis } from '../../../../../test/support/start-redis.ts'
import { type RunningService, startService } from '../../../src/index.ts'
import { eventBytes, type FuzzedRequest, requests } from './requests.ts'
import { statusOf } from './send.ts'

const STREAM = 'fuzzed'

export interface FuzzOptions {
  readonly cases: number
  readonly seed: number
  /** Told of how far it is. */
  readonly onProgress?: (cases: number) => void
}

export interface FuzzReport {
  /** How many answers had which status. */
  readonly statuses: ReadonlyMap<string, number>
  readonly grownBytes: number
  readonly grownHandles: number
}

/**
 * Sends requests of any bytes to services over both logs and to one that asks for credentials, and writes any bytes into the
 * log in Redis, behind the back of the library, and reads them again by every way there is. Rejects, with the smallest case that
 * does so, when an answer is a 5xx or does not come.
 */
export async function fuzz({ cases, seed, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-fuzz-'))
  const redis = await startRedis()
  const writer = redisClient(redis.url)
  await writer.connect()
  const common = {
    EVENT_SERVICE_PORT: '0',
    EVENT_SERVICE_HOST: '127.0.0.1',
    EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: '0',
    // What a busy machine does is not what is looked for.
    EVENT_MAX_EVENT_LOOP_DELAY_MS: '60000'
  }
  const over = (environment: Record<string, string>) =>
    startService({ environment: { ...common, ...environment }, logger: silentLogger })
  const services = [
    await over({ EVENT_LOG_PATH: join(folder, 'open.db') }),
    await over({ EVENT_LOG_PATH: join(folder, 'asking.db'), EVENT_AUTH: 'required' }),
    await over({ REDIS_URL: redis.url, EVENT_STREAM_NAME: STREAM })
  ]
  const statuses = new Map<string, number>()
  const ask = async ({ url }: RunningService, request: FuzzedRequest) => {
    const status = await statusOf(Number(new URL(url).port), request)
    const name = String(status ?? 'closed')
    statuses.set(name, (statuses.get(name) ?? 0) + 1)
    if (status !== undefined && status >= 500) throw new Error(`The answer was ${status}.`)
  }
  const store = (bytes: Buffer, field: string): Promise<string> =>
    writer.sendCommand(['XADD', STREAM, '*', field, bytes as never])
  const readAll = async (messageId: string) => {
    for (const request of readsOf(messageId)) await ask(services[2] as RunningService, request)
  }

  let done = 0
  const play = (numRuns: number, of: number) =>
    fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        if (one.kind === 'request') await ask(services[one.service] as RunningService, one.request)
        else await readAll(await store(one.bytes, one.field))
        if (++done % 1_000 === 0) onProgress?.(done)
      }),
      { numRuns, seed: of, endOnFailure: false }
    )
  try {
    // What is compiled, cached and pooled comes with the first cases.
    const warmUp = Math.ceil(cases / 5)
    await play(warmUp, seed)
    const before = await settled()
    await play(cases - warmUp, seed + 1)
    const after = await settled()
    return { statuses, grownBytes: after.bytes - before.bytes, grownHandles: after.handles - before.handles }
  } finally {
    for (const service of services) await service.close()
    writer.destroy()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const anyCase = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      service: fc.constantFrom(0, 0, 1, 2),
      request: requests
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stored' as const),
      bytes: eventBytes,
      field: fc.constantFrom('event', 'event', 'event', 'other', '__proto__', '')
    })
  }
)

/** Every way to what stands in the log. */
function readsOf(messageId: string): FuzzedRequest[] {
  const [ms = '', seq = ''] = messageId.split('-')
  const before = `${Number(ms) - 1}-${seq}`
  const get = (target: string) => ({ method: 'GET', target, headers: [], body: Buffer.alloc(0) })
  const post = (target: string, body: string, accept = '*/*') => ({
    method: 'POST',
    target,
    headers: [['content-type', 'application/json'] as const, ['accept', accept] as const],
    body: Buffer.from(body)
  })
  return [
    get(`/events/${messageId}`),
    get(`/events/${messageId}/lineage`),
    get(`/events?after=${before}`),
    get(`/events?after=${before}&event_type=trading_signal&symbol=x`),
    get(`/events/stream?after=${before}`),
    get('/events/stats'),
    get('/dead-letters'),
    post(`/events/replay?after=${before}`, ''),
    post(`/events/replay?after=${before}`, '', 'application/x-ndjson'),
    post('/groups/readers/pull', '{"from":"start","max":1000,"lease_ms":100}')
  ]
}

/** What is held when everything that ends has ended. */
async function settled(): Promise<{ bytes: number; handles: number }> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  let least = { bytes: Number.POSITIVE_INFINITY, handles: Number.POSITIVE_INFINITY }
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    collect()
    least = {
      bytes: Math.min(least.bytes, process.memoryUsage().heapUsed),
      handles: Math.min(least.handles, process.getActiveResourcesInfo().length)
    }
  }
  return least
}
