import { type Clock, EventSystemError, isRetryable, type PublishReceipt } from '@tradpal/events'
import { conflictsAmong, type EventCodec, type RepeatedEntry, repeatedAmong } from '../codec/index.ts'
import type { Storage } from '../log/index.ts'
import { type Logger, pause } from '../runtime/index.ts'
import { EventIdConflictError } from './event-id-conflict.ts'
import type { Appended, Parcel } from './parcel.ts'

/** The least time to look at repeated events, in ms: they are in the log by then, and no error would be true of them. */
const LEAST_TIME_MS = 1_000

/** What is published: one event, a batch, or what a transaction collected. */
export type Kind = 'one' | 'batch' | 'transaction'

type Repeat = RepeatedEntry & { readonly index: number }

export interface RepeatsParts {
  readonly storage: Storage
  readonly codec: EventCodec
  /** Of the log, in ms. */
  readonly deduplicationWindowMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Looks at events whose id was published before: whether each is the same event as the first of its id. Most are, since publishers
 * repeat what they have no answer for. A publish without such events never comes here.
 */
export class Repeats {
  readonly #parts: RepeatsParts
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(parts: RepeatsParts) {
    this.#parts = parts
  }

  /**
   * Rejects with `event_id_conflict` when an event differs from the first of its id, and with `log_timeout` when the log does not
   * say in time. A transaction never rejects and waits for nothing: its events that differ are named in a warning.
   */
  async look(kind: Kind, parcel: Parcel, appended: Appended, receipts: readonly PublishReceipt[]): Promise<void> {
    const repeated = repeatedAmong(parcel.entries, appended.results, appended.at)
    if (kind === 'transaction') return this.#warn(repeated)
    try {
      const conflicts = await this.#tracked(this.#conflictsBy(parcel.deadline, repeated))
      if (conflicts.length > 0) throw conflictError(kind, conflicts, receipts)
    } catch (error) {
      // The caller may publish it again at any later time, and through the spool.
      if (isRetryable(error)) parcel.unknown = this.#sinceFirstOf(parcel)
      throw error
    }
  }

  /** Resolves when nothing is looked at any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  #warn(repeated: readonly Repeat[]): void {
    const { logger } = this.#parts
    const looking = conflictsAmong(repeated, this.#parts).then(
      (conflicts) => {
        for (const { entry, messageId } of conflicts) {
          const { eventId, eventType } = entry
          logger.warn({ eventId, eventType, messageId }, 'an event was dropped: its event id stands for another event')
        }
      },
      (error) => logger.warn({ err: error }, 'repeated events of a transaction could not be compared')
    )
    void this.#tracked(looking)
  }

  async #conflictsBy(deadline: number, repeated: readonly Repeat[]): Promise<readonly Repeat[]> {
    const { clock } = this.#parts
    const answered = new AbortController()
    const late = pause(clock, Math.max(LEAST_TIME_MS, deadline - clock.now()), answered.signal).then((isLate) => {
      if (isLate) throw notCompared()
      return []
    })
    try {
      return await Promise.race([conflictsAmong(repeated, this.#parts, answered.signal), late])
    } catch (error) {
      throw isRetryable(error) ? notCompared(error) : error
    } finally {
      answered.abort()
    }
  }

  /** The log knew the first event of each id still when it was asked: it took none more than a deduplication window before. */
  #sinceFirstOf({ offeredAt }: Parcel): Parcel['unknown'] {
    const { clock, deduplicationWindowMs } = this.#parts
    return { sentAt: offeredAt - deduplicationWindowMs, until: clock.now() }
  }

  #tracked<Result>(work: Promise<Result>): Promise<Result> {
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
    return tracked
  }
}

function conflictError(
  kind: Kind,
  conflicts: readonly Repeat[],
  receipts: readonly PublishReceipt[]
): EventSystemError {
  const [{ entry, messageId }] = conflicts as [Repeat]
  const conflict = { eventId: entry.eventId, messageId }
  if (kind === 'one') return new EventIdConflictError(conflict)
  return new EventIdConflictError(conflict, { indexes: conflicts.map(({ index }) => index), receipts })
}

function notCompared(cause?: unknown): EventSystemError {
  const message =
    'The log has an event with this event id, and did not say in time whether it is the same event. Publish the same event again.'
  return new EventSystemError('log_timeout', message, { cause })
}
