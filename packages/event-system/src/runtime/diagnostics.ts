import { channel } from 'node:diagnostics_channel'

/** One append is done: what it took, and for how many events of each type. */
export interface PublishedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  /** Newly appended events by type; duplicates are left out. */
  readonly byType: ReadonlyMap<string, number>
  readonly duplicates: number
  readonly durationMs: number
}

/** The log did not take events in time: they are in the spool. */
export interface SpooledMessage {
  /** The log that they belong to. */
  readonly storage: object
  readonly events: number
}

/** Events were published whose timestamps are well ahead of the publisher's clock. */
export interface AheadMessage {
  /** The log that they went into. */
  readonly storage: object
  readonly events: number
}

/** One event was handled, well or not. */
export interface ConsumedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly group: string
  readonly eventType: string
  readonly attempt: number
  /** From the append to the start of its handling, in ms; on a redelivery it contains the earlier attempts. */
  readonly deliveryMs: number
  readonly handlingMs: number
  /** Whether a handler of it is to be tried again. */
  readonly willRetry: boolean
  /** What the first handler that failed threw. */
  readonly error: unknown
}

/** An entry went to the dead letters. */
export interface DeadLetteredMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly group: string
  readonly kind: 'poison' | 'invalid' | 'rejected' | 'exhausted'
  readonly messageId: string
  /** Null when the entry is no event. */
  readonly eventType: string | null
}

/** A group acknowledged an entry without handing it to anybody: the key of its subject was destroyed. */
export interface ShreddedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly group: string
  readonly messageId: string
}

/** A member of a group took over what others had left, or took up again what was handed back. */
export interface ClaimedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly group: string
  /** Null when the entries are no events. */
  readonly eventType: string | null
  readonly count: number
}

/** Events were removed because they were beyond the limits of retention. */
export interface TrimmedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly removed: number
  /** Of those, how many each group had not acknowledged: what was forced. */
  readonly lostByGroup: Readonly<Record<string, number>>
}

/** A query, a replay or a live stream met an entry that is no event, and passed over it. */
export interface SkippedMessage {
  /** The log of it: the same object that the system was built over. */
  readonly storage: object
  readonly messageId: string
  /** What is wrong with it. */
  readonly reason: string
}

/**
 * node:diagnostics_channel channels: metrics and traces subscribe from outside, and cost nothing when nobody does.
 * Every message names its `log`, so that one process can tell several systems apart.
 */
export const diagnostics = {
  /** {@link PublishedMessage} */
  published: channel('tradpal:event-system:published'),
  /** {@link SpooledMessage} */
  spooled: channel('tradpal:event-system:spooled'),
  /** {@link AheadMessage} */
  ahead: channel('tradpal:event-system:ahead'),
  /** {@link ConsumedMessage} */
  consumed: channel('tradpal:event-system:consumed'),
  /** {@link DeadLetteredMessage} */
  deadLettered: channel('tradpal:event-system:dead-lettered'),
  /** {@link ShreddedMessage} */
  shredded: channel('tradpal:event-system:shredded'),
  /** {@link ClaimedMessage} */
  claimed: channel('tradpal:event-system:claimed'),
  /** {@link TrimmedMessage} */
  trimmed: channel('tradpal:event-system:trimmed'),
  /** {@link SkippedMessage} */
  skipped: channel('tradpal:event-system:skipped')
}
