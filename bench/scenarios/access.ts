import { spawnSync } from 'node:child_process'
import { toWire } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import { httpRate } from '../http-load.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, ratesInTurns, type Scenario } from '../measure.ts'
import { startService } from '../servers.ts'

const WARM_UP = 40_000
const REQUESTS = 40_000
const TURN = 4_000

/** What it costs to know who publishes, over HTTP: a service that asks for credentials beside one that asks nobody, each over a log of its own. */
export function guarded(log: BenchLog): Scenario {
  const [event] = marketDataBatch(1).map(toWire)
  const body = JSON.stringify({ ...event, event_id: undefined })
  const json = { 'Content-Type': 'application/json' }
  const publish = (url: string, credentials: Record<string, string>, requests: number) =>
    httpRate(`${url}/events`, body, { ...json, ...credentials }, requests)
  return {
    name: `access-${log.kind}`,
    async run() {
      const [open, closed] = ['open', 'closed'].map((name) => ({ ...log.environment(), EVENT_STREAM_NAME: name }))
      const credentials = { Authorization: `Bearer ${apiKey(closed as Record<string, string>)}` }
      const plain = await startService(open as Record<string, string>)
      const asking = await startService({ ...(closed as Record<string, string>), EVENT_AUTH: 'required' })
      await publish(plain.url, {}, WARM_UP)
      await publish(asking.url, credentials, WARM_UP)
      const { ours, theirs } = await ratesInTurns(REQUESTS, TURN, {
        ours: (from, to) => publish(asking.url, credentials, to - from),
        theirs: (from, to) => publish(plain.url, {}, to - from)
      })
      await plain.close()
      await asking.close()
      const what = `HTTP, ${log.kind}: POST /events with an API key`
      const peer = 'without credentials'
      return [{ what, unit: 'requests/s', ours, peer, theirs, ratioFloor: 0.9 }] satisfies Comparison[]
    }
  }
}

/** A key that publishes everything, made in the log of a service that is not started yet. */
function apiKey({
  EVENT_LOG_PATH: path,
  REDIS_URL: redis = '',
  EVENT_STREAM_NAME: stream = ''
}: Record<string, string>) {
  const log = path === undefined ? ['--redis', redis, '--stream', stream] : ['--log', path]
  const wanted = ['--name', 'bench', '--scopes', 'publish:*', '--sources', '*']
  const command = ['packages/service/bin/tradpal-events.js', 'keys', 'create', ...wanted, ...log]
  const { stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
  if (stdout === '') throw new Error(`No key was made: ${stderr}`)
  return stdout.trim()
}
