import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../../src/testing/index.ts'

/** A relay in a process of its own. */
export interface SpawnedRelay {
  said(line: 'started' | 'published'): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function spawnRelay(database: string, log: string, mode: 'hang' | 'go'): SpawnedRelay {
  const script = fileURLToPath(new URL('./relaying-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=tradpal-source', script, database, log, mode], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  return {
    async said(line) {
      await waitFor(() => lines.includes(line), { what: `"${line}" of the other process` })
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
  }
}
