import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sharedInFile } from '../../../../../test/support/shared-in-file.ts'
import { startRedis } from '../../../../../test/support/start-redis.ts'
import { type RunningService, type ServiceOptions, startService } from '../../../src/index.ts'
import { watchfulLogger } from '../../support/watchful-logger.ts'

export const LOGS = ['sqlite', 'redis'] as const
export type LogKind = (typeof LOGS)[number]

const theRedis = sharedInFile(startRedis, (server) => server.stop())

/** Variables of a log that nobody else uses. The Redis is one for the whole test file, the stream is a new one. */
export async function newLog(kind: LogKind): Promise<Record<string, string>> {
  if (kind === 'redis') {
    return { REDIS_URL: (await theRedis()).url, EVENT_STREAM_NAME: `test_${randomUUID()}` }
  }
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-http-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return { EVENT_LOG_PATH: join(folder, 'events.db') }
}

/** A service that listens on a free port, over a log of its own, for the test that runs. */
export async function serviceOver(
  kind: LogKind = 'sqlite',
  environment: Record<string, string> = {},
  options: ServiceOptions = {}
): Promise<RunningService> {
  const service = await startService({
    environment: { EVENT_SERVICE_PORT: '0', EVENT_SERVICE_HOST: '127.0.0.1', ...(await newLog(kind)), ...environment },
    logger: watchfulLogger,
    ...options
  })
  onTestFinished(() => service.close())
  return service
}

/** A service over an empty log for all tests of a file: for those that leave the log as it is. */
export function serviceOfFile(environment: Record<string, string> = {}): () => Promise<RunningService> {
  const started = sharedInFile(
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tradpal-http-'))
      const place = {
        EVENT_SERVICE_PORT: '0',
        EVENT_SERVICE_HOST: '127.0.0.1',
        EVENT_LOG_PATH: join(folder, 'events.db')
      }
      const service = await startService({ environment: { ...place, ...environment }, logger: watchfulLogger })
      return { service, folder }
    },
    async ({ service, folder }) => {
      await service.close()
      await rm(folder, { recursive: true, force: true })
    }
  )
  return async () => (await started()).service
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire brings
  readonly body: any
}

export async function get(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') === true && text !== '' && !text.includes('\n')
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined }
}

/** Posts an object as JSON, or a text as it is. */
export function post(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return get(url, {
    method: 'POST',
    ...(body === undefined ? { headers } : { headers: { 'content-type': 'application/json', ...headers }, body: text })
  })
}

export const signal = (symbol = 'BTC/USDT', more: object = {}) => ({
  event_type: 'trading_signal',
  source: 'a_test',
  data: { symbol, signal: 'BUY', ...more }
})
