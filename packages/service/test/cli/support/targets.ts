import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { freePort } from '../../../../../test/support/free-port.ts'
import { startRedis } from '../../../../../test/support/start-redis.ts'
import { runCommand, startCommand } from './command.ts'

/** A log for a test, and the options by which the command reaches it. */
export interface CommandTarget extends AsyncDisposable {
  readonly options: readonly string[]
  /** The log below, from the test's own process. */
  openSystem(): Promise<EventSystem>
}

export async function sqliteTarget(): Promise<CommandTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-log-'))
  const logPath = join(folder, 'events.db')
  const openSystem = () => opened(new EventSystem({ logPath, environment: {} }))
  await (await openSystem()).close()
  return {
    options: ['--log', logPath],
    openSystem,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true })
  }
}

export async function redisTarget(): Promise<CommandTarget> {
  const server = await startRedis()
  return {
    options: ['--redis', server.url, '--stream', 'cli_events'],
    openSystem: () => opened(new EventSystem({ redisUrl: server.url, streamName: 'cli_events', environment: {} })),
    [Symbol.asyncDispose]: () => server.stop()
  }
}

/** The service itself, started by `serve` over an embedded log. */
export async function serviceTarget(env: Readonly<Record<string, string>> = {}): Promise<CommandTarget> {
  const log = await sqliteTarget()
  const port = await freePort()
  const service = startCommand(['serve', ...log.options, '--host', '127.0.0.1', '--port', String(port)], { env })
  const options = ['--url', `http://127.0.0.1:${port}`]
  await waitFor(
    async () => {
      if (service.child.exitCode !== null) throw new Error(`serve ended: ${service.stderr()}${service.stdout()}`)
      return (await fetch(`http://127.0.0.1:${port}/health`)).ok
    },
    { timeoutMs: 15_000, what: 'the start of the service' }
  )
  return {
    options,
    openSystem: log.openSystem,
    async [Symbol.asyncDispose]() {
      service.child.kill('SIGTERM')
      await service.result
      await log[Symbol.asyncDispose]()
    }
  }
}

/** Publishes through the command, as a step of a test that is about something else. */
export async function publishLines(target: CommandTarget, events: readonly object[]): Promise<string[]> {
  const input = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  const { code, stdout, stderr } = await runCommand(['publish', ...target.options], { input })
  if (code !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

async function opened(system: EventSystem): Promise<EventSystem> {
  await system.initialize()
  return system
}
