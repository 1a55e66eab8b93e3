import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event, StoredEvent } from '@tradpal/events'
import type { EventSystemOptions } from '../configuration.ts'
import { EventSystem } from '../event-system.ts'
import type { MessageId } from '../log/index.ts'
import { waitFor } from './wait-for.ts'

export type TestSystemOptions = Omit<EventSystemOptions, 'logPath' | 'redisUrl' | 'log'>

/** An event system over a log of its own, which disappears with it. */
export interface TestSystem extends AsyncDisposable {
  readonly system: EventSystem
  /** The file of the log: for a second system, or a second process, over the same events. */
  readonly logPath: string
  /**
   * Publishes events and resolves to their message ids when every consumer group has handled all there is, what the
   * handlers published included: nothing is left to hand out, to acknowledge or to retry. Rejects after `timeoutMs` (default 5,000).
   */
  publishAndSettle(events: Event | readonly Event[], options?: { timeoutMs?: number }): Promise<MessageId[]>
  /** Resolves when nothing is left to do, without publishing. */
  settle(options?: { timeoutMs?: number }): Promise<void>
  /** Everything in the log, or everything of one type, in log order. */
  published<T extends string>(eventType?: T): Promise<StoredEvent<T>[]>
  /** Closes the system and removes its files. `await using` calls it. */
  close(): Promise<void>
}

/** Makes a started event system over a real embedded log in a temporary folder. */
export async function createTestSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-test-'))
  const logPath = join(folder, 'events.db')
  const system = new EventSystem({ ...options, logPath })
  await system.initialize()

  const settle = async ({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}) => {
    await waitFor(
      async () => {
        const { groups } = await system.getStats()
        return groups.every(({ pending, lag }) => pending === 0 && lag === 0)
      },
      { timeoutMs, what: 'the handling of everything that was published' }
    )
  }

  const close = async () => {
    await system.close()
    await rm(folder, { recursive: true, force: true })
  }

  return {
    system,
    logPath,
    settle,
    async publishAndSettle(events, settleOptions) {
      const messageIds = await system.publishBatch(Array.isArray(events) ? events : [events as Event])
      await settle(settleOptions)
      return messageIds
    },
    async published<T extends string>(eventType?: T) {
      const events: StoredEvent[] = []
      for await (const event of system.readEvents(eventType === undefined ? {} : { eventType })) events.push(event)
      return events as StoredEvent<T>[]
    },
    close,
    [Symbol.asyncDispose]: close
  }
}
