import type { Clock } from '@tradpal/events'
import type { Delivery, Storage } from '../log/index.ts'
import type { Acknowledger } from './acknowledger.ts'
import type { Decoder } from './decoder.ts'
import type { AnyDelivery, Held } from './held.ts'
import type { InFlight } from './in-flight.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import type { Recovery } from './recovery.ts'

/** A consumer's membership in its group: it fetches deliveries, entry by entry or partition by partition, and keeps those that are in flight. */
export interface Fetcher {
  /** Joins the group, and makes it where it is not there. */
  join(): Promise<void>
  /** Fetches deliveries until the consumer stops, and tells the group that they are being handled. */
  run(): Promise<void>
  /** Says that this consumer still works on a delivery. Rejects with `delivery_lost`. */
  extend(held: Held): Promise<void>
  /** Reads deliveries in flight again. Left out are those that this consumer does not hold any more, and trimmed ones. */
  held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]>
  /** Hands back all that is in flight, and leaves the group. */
  leave(): Promise<void>
}

export interface FetcherParts {
  readonly storage: Storage
  readonly options: ResolvedConsumeOptions
  readonly clock: Clock
  readonly recovery: Recovery
  /** Aborted when the consumer stops. */
  readonly stop: AbortSignal
  readonly inFlight: InFlight
  readonly decoder: Decoder
  readonly acknowledger: Acknowledger
}

/** An idle consumer asks again after this time, in ms, in case a wake-up was lost. */
export const WAIT_MS = 5_000
