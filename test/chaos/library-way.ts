import { type Event, EventSystem, EventSystemError, type PublishOptions } from '@tradpal/event-system'
import pino from 'pino'
import { noneLeft } from '../support/none-left.ts'
import { pause } from '../support/run-process.ts'
import type { Answer } from './diary.ts'
import { type LibraryWay as LibrarySettings, SPOOL_MAX_BYTES, STREAM, TIMEOUT_MS } from './settings.ts'
import { refusal, type Way } from './way.ts'

/** Publishes through the library, with a spool of its own. */
export class LibraryWay implements Way {
  readonly keepsOrder = true
  readonly #system: EventSystem

  private constructor(system: EventSystem) {
    this.#system = system
  }

  /** Redis may be away just now: whoever supervises such a process would start it again until it is not. */
  static async open({ redisUrl, spoolPath, durability, deduplicationWindowMs }: LibrarySettings): Promise<LibraryWay> {
    for (;;) {
      const system = new EventSystem({
        redisUrl,
        streamName: STREAM,
        durability,
        deduplicationWindowMs,
        spoolPath,
        spoolMaxBytes: SPOOL_MAX_BYTES,
        timeoutMs: TIMEOUT_MS,
        logger: pino(pino.destination({ dest: 2, sync: true })),
        environment: {}
      })
      try {
        await system.initialize()
        return new LibraryWay(system)
      } catch (error) {
        console.error(error)
        await system.close()
        await pause(100)
      }
    }
  }

  async publish(events: readonly Event[], options: PublishOptions): Promise<readonly Answer[]> {
    try {
      const { publisher } = this.#system
      const [first] = events
      const receipts =
        events.length === 1
          ? [await publisher.publish(first as Event, options)]
          : await publisher.publishAll(events, options)
      return receipts.map(({ status: what, messageId }) => (what === 'published' ? { what, messageId } : { what }))
    } catch (error) {
      if (!(error instanceof EventSystemError && error.retryable)) throw error
      return events.map(() => refusal(error.code))
    }
  }

  async close(): Promise<void> {
    await noneLeft('events of the spool', async () => {
      const { spool } = await this.#system.publisher.state()
      const left = spool?.events ?? Number.POSITIVE_INFINITY
      return { left, done: -left }
    })
    await this.#system.close()
  }
}
