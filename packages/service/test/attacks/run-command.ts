import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Runs `tradpal-events` from its sources, in a process of its own whose environment has no variables of the event system but `env`. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const outside = Object.entries(process.env).filter(([name]) => !/^(EVENT_|REDIS_URL|TRADPAL|VITEST)/.test(name))
  const child = spawn(process.execPath, ['--conditions=tradpal-source', MAIN, ...args], {
    env: { ...Object.fromEntries(outside), ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...written }
}
