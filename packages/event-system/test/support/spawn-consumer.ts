import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../src/testing/index.ts'
import type { LogPlace } from './log-place.ts'

/** A consumer in a process of its own. */
export interface SpawnedConsumer {
  /** Event ids, in the order in which its handler saw them. */
  readonly handled: readonly string[]
  handledCount(count: number): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function spawnConsumer(
  place: LogPlace,
  group: string,
  consumer: string,
  mode: 'hang' | 'done'
): SpawnedConsumer {
  const script = fileURLToPath(new URL('./consuming-child.ts', import.meta.url))
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=tradpal-source', script, JSON.stringify(place), group, consumer, mode],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const handled: string[] = []
  if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => handled.push(line))
  return {
    handled,
    async handledCount(count) {
      await waitFor(() => handled.length >= count, { what: `${count} events in the other process` })
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
  }
}
