import { type Event, EventSystemError } from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'

/** Collects what is published until the work is done; then all of it is appended, or none. */
export interface PublishTransaction {
  /** Throws at once what `publishEvent()` would reject with, and `closed` after the end of the work. */
  publish(event: Event): void
}

/** An event that can be published, and what is appended for it. */
export interface Prepared {
  readonly event: Event
  /** Undefined where its key has to be brought first. */
  readonly entry: AppendEntry | undefined
}

/** What one piece of work publishes. */
export class Collected implements PublishTransaction {
  readonly events: Event[] = []
  /** Undefined for an event that is encoded when the work is done. */
  readonly entries: (AppendEntry | undefined)[] = []
  readonly #prepare: (event: Event) => Prepared
  #isOver = false

  constructor(prepare: (event: Event) => Prepared) {
    this.#prepare = prepare
  }

  publish(event: Event): void {
    if (this.#isOver) {
      throw new EventSystemError('closed', 'publish() came after the end of its transaction: await it there.')
    }
    const prepared = this.#prepare(event)
    this.entries.push(prepared.entry)
    this.events.push(prepared.event)
  }

  end(): void {
    this.#isOver = true
  }
}
