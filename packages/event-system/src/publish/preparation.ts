import { type Event, EventSystemError, type Validation } from '@tradpal/events'
import { assertEncodable, copyOf, type EventCodec, entryOf, entryOfStamped, stampedEvent } from '../codec/index.ts'
import type { AppendEntry } from '../log/index.ts'
import { shown } from '../runtime/index.ts'
import { InTurn } from './in-turn.ts'
import type { Prepared } from './transaction.ts'

/** What is published, ready to be appended. */
export interface PreparedUnit {
  readonly events: readonly Event[]
  readonly entries: readonly AppendEntry[]
}

/**
 * Makes entries of events: at once, but for those for which the codec has to fetch something from the log first. All events that come
 * after those wait for them, so that each goes into the log in its turn.
 */
export class Preparation {
  readonly #codec: EventCodec
  readonly #validation: Validation
  readonly #turns = new InTurn()

  constructor(codec: EventCodec, validation: Validation) {
    this.#codec = codec
    this.#validation = validation
  }

  /** A promise only where something has to be waited for. Throws what is wrong with an event; of several, `index` says which. */
  one(event: Event): PreparedUnit | Promise<PreparedUnit> {
    if (this.#codec.prepareEncoding === undefined) return { events: [event], entries: [this.#entryOf(event)] }
    return this.#inTurn([this.#stamped(event)], [])
  }

  /** As {@link one}, of a batch. */
  batch(events: readonly Event[]): PreparedUnit | Promise<PreparedUnit> {
    if (!Array.isArray(events)) {
      const sentence = `A batch must be a list of events, got ${shown(events)}; publishEvent() takes one event.`
      throw new EventSystemError('invalid_argument', sentence)
    }
    if (this.#codec.prepareEncoding === undefined) {
      const entries = events.map((event, index) => atIndex(index, () => this.#entryOf(event)))
      return { events, entries }
    }
    const stamped = events.map((event, index) => atIndex(index, () => this.#stamped(event)))
    return this.#inTurn(stamped, [], atIndex)
  }

  /** One of a transaction. Throws what is wrong with it, but for errors that preparing the codec would mend. */
  collected(event: Event): Prepared {
    if (this.#codec.prepareEncoding === undefined) return { event, entry: this.#entryOf(event) }
    const stamped = this.#stamped(event)
    if (!this.#needsPreparation([stamped])) return { event: stamped, entry: entryOfStamped(stamped, this.#codec) }
    assertEncodable(stamped, this.#codec)
    return { event: copyOf(stamped), entry: undefined }
  }

  /** A transaction, when its work is done. */
  whole(events: readonly Event[], entries: readonly (AppendEntry | undefined)[]): PreparedUnit | Promise<PreparedUnit> {
    return this.#inTurn(events, entries)
  }

  /** Resolves when nothing waits for its turn any more. */
  idle(): Promise<void> {
    return this.#turns.idle()
  }

  #entryOf(event: Event): AppendEntry {
    return entryOf(event, this.#codec, this.#validation)
  }

  #stamped(event: Event): Event {
    return stampedEvent(event, this.#validation)
  }

  #inTurn(
    stamped: readonly Event[],
    known: readonly (AppendEntry | undefined)[],
    at: typeof atIndex = (_, work) => work()
  ): PreparedUnit | Promise<PreparedUnit> {
    const encoded = (events: readonly Event[]) =>
      events.map((event, index) => known[index] ?? at(index, () => entryOfStamped(event, this.#codec)))
    const turn = this.#turns.after(this.#codec.prepareEncoding?.(stamped))
    if (turn === undefined) return { events: stamped, entries: encoded(stamped) }
    // Its caller may change it meanwhile.
    const events = stamped.map((event, index) => at(index, () => copyOf(event)))
    return turn.then(() => ({ events, entries: encoded(events) }))
  }

  #needsPreparation(events: readonly Event[]): boolean {
    const needs = this.#codec.prepareEncoding?.(events)
    // What fails now is asked for again when the work is done.
    needs?.catch(() => {})
    return needs !== undefined
  }
}

function atIndex<Result>(index: number, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    const { code, message, cause, pointer } = error
    throw new EventSystemError(code, `Event ${index} of the batch: ${message}`, {
      cause,
      index,
      ...(pointer === undefined ? {} : { pointer: `/${index}${pointer}` })
    })
  }
}
