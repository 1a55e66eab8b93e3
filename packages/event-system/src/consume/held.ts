import { type Event, EventSystemError } from '@tradpal/events'
import type { Received } from '../codec/index.ts'
import { isSealedNote } from '../codec/index.ts'
import type { OwnedPartition } from '../log/index.ts'
import { Progress } from './progress.ts'

/** What an entry says: an event and what it must stay in order with, or why it is no event. */
export type Content =
  | { readonly event: Event; readonly key: string | undefined }
  | { readonly event: undefined; readonly key: string | undefined; readonly error: unknown }

/**
 * `queued`: its handlers run when it is its turn. `running`: they run. `waiting`: for its retry. `ended`: its end is being
 * written to the log. `gone`: it is settled, or another consumer's.
 */
export type HeldState = 'queued' | 'running' | 'waiting' | 'ended' | 'gone'

/** A delivery of either kind of group: those of a partitioned one name their partition and its epoch. */
export type AnyDelivery = Received & Partial<OwnedPartition>

/** A delivery that this consumer holds: neither settled nor lost. Its state is {@link InFlight}'s to change. */
export class Held {
  /** What it must stay in order with. */
  readonly key: string | undefined
  state: HeldState = 'queued'
  /** When it was read last, by `performance.now()`. */
  #readAt = performance.now()
  #delivery: AnyDelivery
  #content: Content | undefined
  #progress: Progress | undefined
  #abort: AbortController | undefined
  #lostBecause: Error | undefined

  constructor(delivery: AnyDelivery, content: Content) {
    this.#delivery = delivery
    this.#content = content
    this.key = content.key
  }

  get messageId(): string {
    return this.#delivery.messageId
  }

  /** Without its payload while it is evicted. */
  get delivery(): AnyDelivery {
    return this.#delivery
  }

  /** Undefined while it is evicted. */
  get content(): Content | undefined {
    return this.#content
  }

  /** How long ago its data were read, in ms. */
  get age(): number {
    return performance.now() - this.#readAt
  }

  get bytes(): number {
    return this.#delivery.payload?.length ?? 0
  }

  /** Whether the log could not open its note for want of a key: how far its handlers are is not known. */
  get hasSealedNote(): boolean {
    return isSealedNote(this.#delivery.note)
  }

  get progress(): Progress {
    this.#progress ??= Progress.from(this.#delivery.note)
    return this.#progress
  }

  /** Undefined as long as nothing has failed: most never need one. */
  get progressIfAny(): Progress | undefined {
    return this.#delivery.note === undefined ? this.#progress : this.progress
  }

  /** Why this consumer has it no more. */
  get lostBecause(): Error | undefined {
    return this.#lostBecause
  }

  /** Aborted when the entry is lost. Made only for those who ask. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#lostBecause !== undefined) this.#abort.abort(this.#lostBecause)
    }
    return this.#abort.signal
  }

  /** Forgets its data. The log has them. */
  evict(): void {
    const { raw: _, ...delivery } = this.#delivery
    this.#delivery = { ...delivery, payload: null }
    this.#content = undefined
  }

  /** Its data as the log has them now: its key may have come, or be gone. */
  reread({ payload, raw, note }: Received, content: Content): void {
    if (this.hasSealedNote && note !== undefined) this.#delivery = { ...this.#delivery, note }
    this.#delivery = { ...this.#delivery, payload, ...(raw === undefined ? {} : { raw }) }
    this.#content = content
    this.#readAt = performance.now()
  }

  lose(reason: Error): void {
    this.state = 'gone'
    this.#lostBecause = reason
    this.#abort?.abort(reason)
  }
}

/** Why a delivery is lost that the log no longer counts as this consumer's. */
export function takenOver({ messageId }: Held): EventSystemError {
  return new EventSystemError('delivery_lost', `Another consumer has ${messageId} now, or its group is gone.`)
}
