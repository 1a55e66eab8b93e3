import { EventSystemError, type StreamVersion } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../log/index.ts'

/** What became of a parcel: it is in the log, or on the disk of this machine, under an id of the spool's own. */
export type Outcome =
  | { readonly kind: 'appended'; readonly results: readonly AppendResult[] }
  | { readonly kind: 'spooled'; readonly spoolId: string; readonly duplicate: boolean }

/** Within which time it may be in the log although no answer said so, ms since the epoch. */
export interface UnknownOutcome {
  readonly sentAt: number
  readonly until: number
}

/** All of the time. */
export function together(
  one: UnknownOutcome | undefined,
  other: UnknownOutcome | undefined
): UnknownOutcome | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { sentAt: Math.min(one.sentAt, other.sentAt), until: Math.max(one.until, other.until) }
}

/** What one call of a publisher offers: events that are appended all or none, in order. */
export interface Parcel {
  readonly entries: readonly AppendEntry[]
  /** What its events must stay in order with. */
  readonly keys: readonly string[]
  /** Of the payloads, in characters. */
  readonly bytes: number
  /** Until when it is to be in the log, by the publisher's clock. Then it goes into the spool, or is refused. */
  readonly deadline: number
  /** Whether there is a spool, and its caller is content with that. */
  readonly maySpool: boolean
  /** Which versions stream keys must have. Such a parcel is an append of its own. */
  readonly expected?: readonly StreamVersion[] | undefined
  /** Set when an answer was lost: it may be in the log. */
  unknown: UnknownOutcome | undefined
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Tells the caller the truth: what was sent once without an answer may be in the log, whatever came after. But for a
 * conflict: were it there, it would have been known as a duplicate.
 */
export function refuse({ unknown, reject }: Parcel, error: unknown): void {
  const saysSo = error instanceof EventSystemError && ['log_timeout', 'version_conflict'].includes(error.code)
  if (unknown === undefined || saysSo) {
    reject(error)
    return
  }
  const reason = error instanceof Error ? error.message : String(error)
  const message = `An answer of the log was lost, and it could not be asked again: whether it wrote is unknown. ${reason}`
  reject(new EventSystemError('log_timeout', message, { cause: error }))
}
