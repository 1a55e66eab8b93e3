import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

export interface BenchServer {
  readonly url: string
  /** Resident memory, in MB (10^6 bytes). */
  residentMb(): Promise<number>
  close(): Promise<void>
}

const repository = new URL('..', import.meta.url)

/** The service as it is published and as `npm start` starts it, in a process of its own, on a free port. */
export async function startService(environment: Record<string, string>): Promise<BenchServer> {
  const { scripts } = JSON.parse(await readFile(new URL('package.json', repository), 'utf8'))
  const words = (scripts.start as string).split(' ')
  return start(words.slice(words.indexOf('node') + 1), {
    ...environment,
    EVENT_SERVICE_PORT: '0',
    EVENT_SERVICE_HOST: '127.0.0.1'
  })
}

/** The same framework with a handler that does nothing. */
export function startEmptyFastify(): Promise<BenchServer> {
  return start(['bench/processes/empty-fastify.ts'], {})
}

async function start(script: string[], environment: Record<string, string>): Promise<BenchServer> {
  const child = spawn(process.execPath, script, {
    cwd: repository,
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const url = await listeningUrl(child)
  return {
    url,
    residentMb: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / 1e6
    },
    close: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
}

/** The first URL on the process's output. */
async function listeningUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The server has no output.')
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url === undefined) continue
    child.stdout.resume()
    return url
  }
  throw new Error('The server ended before it listened.')
}
