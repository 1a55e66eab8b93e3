import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { counted, type Event, type EventOf, type EventTypeFilter, onlyOptions } from '@tradpal/events'
import type { EventSystemOptions } from '../configuration/index.ts'
import type { DeadLetter } from '../dead-letters/index.ts'
import { EventSystem } from '../event-system.ts'
import type { GroupInfo, MessageId } from '../log/index.ts'
import { silentLogger } from '../runtime/index.ts'
import { waitFor } from './wait-for.ts'

/** As of any system, but for the log, which is the test's own; the environment is not looked at unless given, and the logger is silent unless given. */
export type TestSystemOptions = Omit<EventSystemOptions, 'logPath' | 'redisUrl' | 'storage'>

/** An event system over a log of its own, which disappears with it. */
export interface TestSystem extends AsyncDisposable {
  readonly system: EventSystem
  /** The file of the log: for a second system, or a second process, over the same events. */
  readonly logPath: string
  /**
   * Publishes events as one unit and resolves to their message ids when every consumer group has handled all there is, what
   * the handlers published included: nothing is left to hand out, to acknowledge or to retry. Rejects after `timeoutMs`
   * (default 5,000), naming the groups that are not done.
   */
  publishAndSettle(events: Event | readonly Event[], options?: { timeoutMs?: number }): Promise<MessageId[]>
  /** Resolves when nothing is left to do, without publishing. */
  settle(options?: { timeoutMs?: number }): Promise<void>
  /** Everything in the log, or everything of some types, in log order. */
  published<T extends string = string>(eventType?: EventTypeFilter<T>): Promise<EventOf<T>[]>
  /** What the groups, or one group, gave up on, oldest first. */
  deadLetters(group?: string): Promise<DeadLetter[]>
  /** Closes the system and removes its files. Idempotent; `await using` calls it. */
  close(): Promise<void>
}

/** Makes a started event system over a real embedded log in a temporary folder. */
export async function createTestSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-test-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const logPath = join(folder, 'events.db')
  try {
    const system = new EventSystem({ environment: {}, logger: silentLogger, ...options, logPath })
    await system.initialize()
    return testSystem(system, logPath, remove)
  } catch (error) {
    await remove()
    throw error
  }
}

function testSystem(system: EventSystem, logPath: string, remove: () => Promise<void>): TestSystem {
  const settle = async (options: { timeoutMs?: number } = {}) => {
    onlyOptions('settle()', options, { timeoutMs: true })
    const { timeoutMs = 5_000 } = options
    const mustBeDone = async () => {
      const busy = (await system.getEventStats()).groups.filter(({ pending, lag }) => pending > 0 || lag !== 0)
      if (busy.length > 0) throw new Error(`${busy.map(standing).join('; ')}, after ${timeoutMs} ms`)
      return true
    }
    await waitFor(mustBeDone, { timeoutMs })
  }

  const close = async () => {
    await system.close()
    await remove()
  }

  return {
    system,
    logPath,
    settle,
    async publishAndSettle(events, settleOptions = {}) {
      onlyOptions('publishAndSettle()', settleOptions, { timeoutMs: true })
      const messageIds = await system.publishBatch(Array.isArray(events) ? events : [events as Event])
      await settle(settleOptions)
      return messageIds
    },
    published: <T extends string = string>(eventType?: EventTypeFilter<T>) =>
      Array.fromAsync(system.readEvents<T>(eventType === undefined ? {} : { eventType })),
    deadLetters: (group) => allDeadLetters(system, group),
    close,
    [Symbol.asyncDispose]: close
  }
}

async function allDeadLetters(system: EventSystem, group: string | undefined): Promise<DeadLetter[]> {
  const limit = 1_000
  const letters: DeadLetter[] = []
  for (;;) {
    const after = letters.at(-1)?.id
    const page = await system.deadLetters.list({
      limit,
      ...(group === undefined ? {} : { group }),
      ...(after === undefined ? {} : { after })
    })
    letters.push(...page)
    if (page.length < limit) return letters
  }
}

function standing({ name, pending, lag }: GroupInfo): string {
  return `the group ${name} has ${counted(pending, 'event')} to be acknowledged or retried, and ${lag ?? 'some'} to come`
}
