import type { Clock } from '@tradpal/events'
import type { Delivery, Storage } from '../log/index.ts'
import type { AnyDelivery, Held } from './held.ts'
import type { InHand } from './in-hand.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import type { Recovery } from './recovery.ts'
import type { Settling } from './settling.ts'

/** Where a consumer's deliveries come from, and where they are settled: entry by entry, or partition by partition. */
export interface Intake extends Settling {
  /** Joins the group. */
  join(): Promise<void>
  /** Takes in deliveries until the consumer stops, and keeps alive what is in hand. */
  run(): Promise<void>
  /** Whether what is in hand is this consumer's for certain: a process that was frozen cannot know before it has asked, which this does. No handler starts while it is not. */
  isCertain(): boolean
  /** Says that this consumer still works on an entry. Rejects with `delivery_lost`. */
  extend(held: Held): Promise<void>
  /** Reads entries once more that this consumer holds. Left out is what it holds no more, and what was trimmed. */
  held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]>
  /** A settlement came too late: the entry was this consumer's no more. */
  onLost(held: Held): void
  /** An entry is out of hand: settled or lost. */
  onOutOfHand(held: Held): void
  /** Hands back all that is in hand, and leaves the group. */
  leave(): Promise<void>
}

/** What an intake has of its consumer. */
export interface IntakeParts {
  readonly storage: Storage
  readonly consumer: string
  readonly options: ResolvedConsumeOptions
  readonly clock: Clock
  readonly recovery: Recovery
  /** Aborted when the consumer stops. */
  readonly stop: AbortSignal
  readonly inHand: InHand
  /** How many more entries there is room for now. */
  readonly room: () => number
  /** Resolves when the room may have grown, or the consumer stops. */
  readonly roomChange: () => Promise<void>
  /** Awaited before deliveries are accepted, or told of as claimed: undefined for most. */
  readonly ready: (deliveries: readonly Delivery[]) => Promise<void> | undefined
  readonly accept: (deliveries: readonly Delivery[]) => void
  readonly onClaimed: (deliveries: readonly Delivery[]) => void
  readonly lose: (held: Held, reason: Error) => void
  /** Everything that ended is settled when it resolves. */
  readonly flush: () => Promise<void>
  /** Handlers may start that had to wait for certainty. */
  readonly resume: () => void
}

/** An idle consumer asks again after so long, in ms, in case a wake-up was lost. */
export const WAIT_MS = 5_000
