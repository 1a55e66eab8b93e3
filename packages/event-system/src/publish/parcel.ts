import type { StreamVersion } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../log/index.ts'

/**
 * What became of a parcel: it is in the log, its first entry the one `at` of the results of an append that it may share with
 * others; or on the disk of this machine, under an id of the spool's own.
 */
export type Outcome = Appended | { readonly kind: 'spooled'; readonly spoolId: string; readonly duplicate: boolean }

export interface Appended {
  readonly kind: 'appended'
  readonly results: readonly AppendResult[]
  readonly at: number
}

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

/** What one call of a publisher is to have appended: all or none, in order. */
export interface Offer {
  readonly entries: readonly AppendEntry[]
  /** What its events must stay in order with. */
  readonly keys: readonly string[]
  /** When it was offered, by the publisher's clock. */
  readonly offeredAt: number
  /** Until when it is to be in the log, by the publisher's clock. Then it goes into the spool, or is refused. */
  readonly deadline: number
  /** Whether there is a spool, and its caller is content with that. */
  readonly maySpool: boolean
  /** Which versions stream keys must have. Such a parcel is an append of its own. */
  readonly expected?: readonly StreamVersion[] | undefined
  /** Set when an answer was lost: it may be in the log. */
  readonly unknown?: UnknownOutcome | undefined
}

/** An offer on its way. */
export class Parcel implements Offer {
  readonly entries: readonly AppendEntry[]
  readonly keys: readonly string[]
  /** Of the payloads, in characters. */
  readonly bytes: number
  readonly offeredAt: number
  readonly deadline: number
  readonly maySpool: boolean
  readonly expected: readonly StreamVersion[] | undefined
  unknown: UnknownOutcome | undefined
  readonly outcome: Promise<Outcome>
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void

  constructor({ entries, keys, offeredAt, deadline, maySpool, expected, unknown }: Offer) {
    this.entries = entries
    this.keys = keys
    this.offeredAt = offeredAt
    this.deadline = deadline
    this.maySpool = maySpool
    this.expected = expected
    this.unknown = unknown
    let bytes = 0
    for (const entry of entries) bytes += entry.payload.length
    this.bytes = bytes
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.resolve = resolve
    this.reject = reject
  }

  get events(): number {
    return this.entries.length
  }
}
