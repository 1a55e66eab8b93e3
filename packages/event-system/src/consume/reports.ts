import type { Clock } from '@tradpal/events'
import type { DeadLetter } from '../dead-letters/index.ts'
import type { Storage } from '../log/index.ts'
import {
  type ClaimedMessage,
  type ConsumedMessage,
  type DeadLetteredMessage,
  diagnostics,
  type Logger,
  Occurrences,
  type ShreddedMessage
} from '../runtime/index.ts'
import type { Held } from './held.ts'
import type { PulledHold } from './pulled/delivery-id.ts'
import type { Ending } from './settlement.ts'

export interface HandlingReport {
  readonly storage: Storage
  readonly group: string
  readonly held: Held
  /** When the handlers began, by `performance.now()`. */
  readonly started: number
  readonly clock: Clock
}

/** Tells who listens that the handlers of an event ran. */
export function reportEnding({ storage, group, held, started, clock }: HandlingReport, ending: Ending): void {
  const event = held.content?.event
  if (!diagnostics.consumed.hasSubscribers || event === undefined) return
  const handlingMs = performance.now() - started
  diagnostics.consumed.publish({
    storage,
    group,
    eventType: event.eventType,
    attempt: held.delivery.attempt,
    deliveryMs: Math.max(0, clock.now() - handlingMs - held.delivery.appendedAt),
    handlingMs,
    willRetry: ending.verdict.kind === 'retry',
    error: ending.errors[0]
  } satisfies ConsumedMessage)
}

/** How an event that was pulled ended: done, or with an error. `now` is ms since the epoch. */
export interface PulledEnding {
  readonly now: number
  readonly error?: Error
  readonly willRetry?: boolean
}

/** Tells who listens that an event that was pulled is done, or, with an error, that it failed. */
export function reportPulled(
  storage: Storage,
  {
    group,
    eventType,
    attempt,
    at,
    appendedAt
  }: PulledHold & { readonly eventType: string; readonly appendedAt: number },
  { now, error, willRetry = false }: PulledEnding
): void {
  if (!diagnostics.consumed.hasSubscribers) return
  diagnostics.consumed.publish({
    storage,
    group,
    eventType,
    attempt,
    deliveryMs: Math.max(0, at - appendedAt),
    handlingMs: Math.max(0, now - at),
    willRetry,
    error
  } satisfies ConsumedMessage)
}

export function reportDeadLetter(storage: Storage, { group, kind, messageId, eventType }: DeadLetter): void {
  diagnostics.deadLettered.publish({ storage, group, kind, messageId, eventType } satisfies DeadLetteredMessage)
}

/** Tells who listens that deliveries were taken over: one message for each type. */
export function reportClaimed(storage: Storage, group: string, deliveries: readonly Held[]): void {
  if (!diagnostics.claimed.hasSubscribers) return
  const byType = Map.groupBy(deliveries, ({ content }) => content?.event?.eventType ?? null)
  for (const [eventType, { length: count }] of byType) {
    diagnostics.claimed.publish({ storage, group, eventType, count } satisfies ClaimedMessage)
  }
}

export interface ShreddedEventsParts {
  readonly storage: Storage
  readonly logger: Logger
  readonly clock: Clock
}

/** Tells that events were passed over whose subject was shredded: who listens of each, the log at once and then once a minute. */
export class ShreddedEvents {
  readonly #parts: ShreddedEventsParts
  readonly #occurrences: Occurrences

  constructor(parts: ShreddedEventsParts) {
    this.#parts = parts
    this.#occurrences = new Occurrences(parts.clock)
  }

  add(group: string, messageId: string): void {
    const { storage, logger } = this.#parts
    diagnostics.shredded.publish({ storage, group, messageId } satisfies ShreddedMessage)
    const count = this.#occurrences.add(group)
    if (count > 0) logger.info({ group, messageId, count }, 'events of shredded subjects were acknowledged unread')
  }
}
