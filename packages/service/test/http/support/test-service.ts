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

/** When something ends: with the test, unless it is made for more than one. */
export type AtEnd = (end: () => Promise<unknown>) => void

export const withTheTest: AtEnd = (end) => onTestFinished(async () => void (await end()))

/** Variables of a log that nobody else uses. The Redis is one for the whole test file, the stream is a new one. */
export async function newLog(kind: LogKind, atEnd = withTheTest): Promise<Record<string, string>> {
  if (kind === 'redis') {
    return { REDIS_URL: (await theRedis()).url, EVENT_STREAM_NAME: `test_${randomUUID()}` }
  }
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-http-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  return { EVENT_LOG_PATH: join(folder, 'events.db') }
}

/** A machine that does other work beside the tests makes a service lag, which then refuses publishes. */
const ON_A_BUSY_MACHINE = { EVENT_MAX_EVENT_LOOP_DELAY_MS: '60000' }

/** A service that listens on a free port, over a log of its own, for the test that runs unless it is said otherwise. */
export async function serviceOver(
  kind: LogKind = 'sqlite',
  environment: Record<string, string> = {},
  options: ServiceOptions = {},
  atEnd = withTheTest
): Promise<RunningService> {
  const log = await newLog(kind, atEnd)
  const service = await startService({
    environment: {
      EVENT_SERVICE_PORT: '0',
      EVENT_SERVICE_HOST: '127.0.0.1',
      ...ON_A_BUSY_MACHINE,
      ...log,
      ...environment
    },
    logger: watchfulLogger,
    ...options
  })
  atEnd(() => service.close())
  return service
}

/** What is made for all tests of a file, with all that ends behind them: for tests that leave it as it is. */
export function madeForTheFile<Made>(make: (atEnd: AtEnd) => Promise<Made>): () => Promise<Made> {
  const endings: (() => Promise<unknown>)[] = []
  return sharedInFile(
    () => make((end) => endings.push(end)),
    async () => {
      for (const end of endings.splice(0).reverse()) await end()
    }
  )
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
