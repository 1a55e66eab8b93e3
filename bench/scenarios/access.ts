import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toWire } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import { httpRate } from '../http-load.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, ratesInTurns } from '../measure.ts'
import { type BenchServer, startService } from '../servers.ts'

/** Until the code of both is compiled, just before they are measured: V8 forgets much of it in a process that rests for some seconds. */
const WARM_UP = 32_000
const REQUESTS = 24_000
const TURN = 4_000
const SECRET = 'a secret of the benchmark alone, of more than 32 bytes'
/** Far from what is asked of it, so that every request is counted and none refused. */
const LIMITS = { EVENT_LIMIT_REQUESTS_PER_SECOND: '10000000', EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '10000000' }

type Environment = Record<string, string>

/** A service that asks who publishes, and what the publisher shows. */
interface Guarded {
  readonly what: string
  readonly ratioFloor?: number
  readonly environment: Environment
  readonly credential: string
}

/** What it costs over HTTP to know who publishes, and to count how much: services that do beside one that asks nobody, each over a log of its own. */
export async function guarded(log: BenchLog): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-access-'))
  const plain = await startService({ ...log.environment(), EVENT_STREAM_NAME: 'open' })
  try {
    const comparisons: Comparison[] = []
    for (const each of await guardedServices(log, folder)) comparisons.push(await compare(each, plain, log.kind))
    return comparisons
  } finally {
    await plain.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function guardedServices(log: BenchLog, folder: string): Promise<Guarded[]> {
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, SECRET, { mode: 0o600 })
  const placeOf = (name: string): Environment => ({ ...log.environment(), EVENT_STREAM_NAME: name })
  const [ofKeys, ofTokens, limited] = [placeOf('keys'), placeOf('tokens'), placeOf('limits')]
  const jwt = { EVENT_JWT_ISSUER: 'bench', EVENT_JWT_AUDIENCE: 'bench', EVENT_JWT_ALGORITHMS: 'HS256' }
  const asking = { EVENT_AUTH: 'required' }
  return [
    { what: 'with an API key', ratioFloor: 0.9, environment: { ...ofKeys, ...asking }, credential: apiKey(ofKeys) },
    {
      what: 'with a token',
      ratioFloor: 0.85,
      environment: { ...ofTokens, ...jwt, EVENT_JWT_KEY_FILE: secretFile },
      credential: token()
    },
    {
      what: 'with an API key, and limits',
      environment: { ...limited, ...asking, ...LIMITS },
      credential: apiKey(limited)
    }
  ]
}

async function compare(
  { what, environment, credential, ...floor }: Guarded,
  plain: BenchServer,
  kind: string
): Promise<Comparison> {
  const service = await startService(environment)
  try {
    const ways = {
      ours: (from: number, to: number) => publish(service, to - from, credential),
      theirs: (from: number, to: number) => publish(plain, to - from)
    }
    await ratesInTurns(WARM_UP, TURN, ways)
    const { ours, theirs } = await ratesInTurns(REQUESTS, TURN, ways)
    const peer = 'without credentials'
    return { what: `HTTP, ${kind}: POST /events ${what}`, unit: 'requests/s', ours, peer, theirs, ...floor }
  } finally {
    await service.close()
  }
}

function publish({ url }: BenchServer, requests: number, credential?: string): Promise<number> {
  const [event] = marketDataBatch(1).map(toWire)
  const body = JSON.stringify({ ...event, event_id: undefined })
  const authorization: Environment = credential === undefined ? {} : { Authorization: `Bearer ${credential}` }
  return httpRate(`${url}/events`, body, { 'Content-Type': 'application/json', ...authorization }, requests)
}

/** A key that publishes everything, made in the log of a service that is not started yet. */
function apiKey({ EVENT_LOG_PATH: path, REDIS_URL: redis = '', EVENT_STREAM_NAME: stream = '' }: Environment): string {
  const log = path === undefined ? ['--redis', redis, '--stream', stream] : ['--log', path]
  const wanted = ['--name', 'bench', '--scopes', 'publish:*', '--sources', '*']
  const command = ['packages/service/bin/tradpal-events.js', 'keys', 'create', ...wanted, ...log]
  const { stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
  if (stdout === '') throw new Error(`No key was made: ${stderr}`)
  return stdout.trim()
}

/** A token (RFC 7519) of the source that the events name, valid for the time of a benchmark. */
function token(): string {
  const [event] = marketDataBatch(1)
  const now = Math.floor(Date.now() / 1_000)
  const claims = { iss: 'bench', aud: 'bench', sub: event?.source, scope: 'publish:*', iat: now, exp: now + 3_600 }
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}
