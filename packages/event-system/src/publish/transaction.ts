import { type Event, EventSystemError } from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'

/** Collects what is published until the work is done; then all of it is appended, or none. */
export interface PublishTransaction {
  /** Throws at once what `publishEvent()` would reject with, and `closed` after the end of the work. */
  publish(event: Event): void
}

/** What one piece of work publishes. */
export class Collected implements PublishTransaction {
  readonly events: Event[] = []
  readonly entries: AppendEntry[] = []
  readonly #prepare: (event: Event) => AppendEntry
  #isOver = false

  constructor(prepare: (event: Event) => AppendEntry) {
    this.#prepare = prepare
  }

  publish(event: Event): void {
    if (this.#isOver) {
      throw new EventSystemError('closed', 'publish() came after the end of its transaction: await it there.')
    }
    this.entries.push(this.#prepare(event))
    this.events.push(event)
  }

  end(): void {
    this.#isOver = true
  }
}
