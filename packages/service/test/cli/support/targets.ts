import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { startRedis } from '../../../../../test/support/start-redis.ts'
import { startService } from '../../../src/index.ts'
import { watchfulLogger } from '../../support/watchful-logger.ts'
import { runCommand, startProcess } from './command.ts'

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

/** A service in this process, over an embedded log. */
export async function serviceTarget(env: Readonly<Record<string, string>> = {}): Promise<CommandTarget> {
  const log = await sqliteTarget()
  const service = await startService({ environment: { ...environmentOf(log), ...env }, logger: watchfulLogger })
  return {
    options: ['--url', service.url],
    openSystem: log.openSystem,
    async [Symbol.asyncDispose]() {
      await service.close()
      await log[Symbol.asyncDispose]()
    }
  }
}

/** A service in a process of its own, started by `serve`: for event types that it registers, which a process keeps. */
export async function serviceProcess(env: Readonly<Record<string, string>> = {}): Promise<CommandTarget> {
  const log = await sqliteTarget()
  const service = startProcess(['serve'], { env: { ...environmentOf(log), ...env } })
  const url = await waitFor(
    () => {
      if (service.child.exitCode !== null) throw new Error(`serve ended: ${service.stderr()}${service.stdout()}`)
      return /"url":"([^"]+)"/.exec(service.stdout())?.[1]
    },
    { timeoutMs: 15_000, what: 'the start of the service' }
  )
  return {
    options: ['--url', url],
    openSystem: log.openSystem,
    async [Symbol.asyncDispose]() {
      service.child.kill('SIGTERM')
      await service.result
      await log[Symbol.asyncDispose]()
    }
  }
}

/** A machine that does other work beside the tests makes a service lag, which then refuses publishes. */
function environmentOf({ options }: CommandTarget): Record<string, string> {
  return {
    EVENT_SERVICE_HOST: '127.0.0.1',
    EVENT_SERVICE_PORT: '0',
    EVENT_MAX_EVENT_LOOP_DELAY_MS: '60000',
    EVENT_LOG_PATH: options[1] as string
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
