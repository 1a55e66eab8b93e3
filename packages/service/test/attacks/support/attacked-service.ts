import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { waitFor } from '@tradpal/event-system/testing'
import { onTestFinished } from 'vitest'

const WATCH_ON_MS = 3_000
const run = promisify(execFile)
const ENTRY = join(import.meta.dirname, '../../../src/main.ts')

export interface AttackedService {
  readonly url: string
  /** Of its process. */
  residentBytes(): Promise<number>
}

/** A service in a process of its own, over an embedded log, whose memory can be measured. */
export async function attackedService(environment: Record<string, string> = {}): Promise<AttackedService> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-attack-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, ['--conditions=tradpal-source', ENTRY, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      EVENT_SERVICE_HOST: '127.0.0.1',
      EVENT_SERVICE_PORT: '0',
      EVENT_LOG_PATH: join(folder, 'events.db'),
      LOG_LEVEL: 'info',
      ...environment
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (bytes) => {
    if (out.length < 100_000) out += bytes
  })
  const url = await waitFor(() => /"url":"(https?:\/\/127\.0\.0\.1:\d+)"/.exec(out)?.[1], {
    timeoutMs: 30_000,
    what: 'a service that listens'
  })
  return {
    url,
    async residentBytes() {
      const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(child.pid)])
      return Number(stdout) * 1_024
    }
  }
}

/** By how many bytes the memory of a service grows at most while an attack runs. */
export async function growthDuring(service: AttackedService, attack: () => Promise<void>): Promise<number> {
  const before = await service.residentBytes()
  let most = before
  const look = async () => {
    most = Math.max(most, await service.residentBytes())
  }
  const looking = setInterval(() => look().catch(() => {}), 200)
  try {
    await attack()
    // What was sent may still be on its way to the service.
    await setTimeout(WATCH_ON_MS)
    await look()
  } finally {
    clearInterval(looking)
  }
  return most - before
}
