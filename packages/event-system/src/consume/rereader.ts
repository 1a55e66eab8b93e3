import { type Attachments, noteSealed } from '../codec/index.ts'
import { type Contents, whyUnread } from './content.ts'
import type { Fetcher } from './fetcher.ts'
import type { Content, Held } from './held.ts'
import type { InFlight } from './in-flight.ts'

/** With those whose turn it is come the next of their keys, this many in one call. */
const PAGE = 500
/** Data that were read longer ago are looked at again before the handlers run, in ms: their subject may have been shredded. */
const STALE_MS = 1_000

export interface RereaderParts {
  readonly inFlight: InFlight
  readonly contents: Contents
  readonly attachments: Attachments
  readonly fetcher: Pick<Fetcher, 'held'>
}

interface Wanted {
  readonly held: Held
  readonly there: PromiseWithResolvers<void>
}

/** Sees to it that a delivery can be read when its handlers are to run: evicted data come from the log again, and missing keys are asked for again. */
export class Rereader {
  readonly #parts: RereaderParts
  #wanted: Wanted[] = []

  constructor(parts: RereaderParts) {
    this.#parts = parts
  }

  /** Resolves when the delivery was read again, or when the log does not have it any more: then it stays evicted. `undefined`: it was read just before. */
  bring(held: Held): Promise<void> | undefined {
    const { inFlight } = this.#parts
    // The log opens the note again when it is asked for the entry again.
    if (held.hasSealedNote) inFlight.evict(held)
    if (held.content === undefined) return this.#fromLog(held)
    if (inFlight.isUnreadable(held) || held.progressIfAny !== undefined || held.age > STALE_MS) return this.#again(held)
    return undefined
  }

  /** Whether the event, and how far its handlers are with it, can be told. Where not, it is said which key is missing. */
  isReadable(held: Held, content: Content): boolean {
    if (whyUnread(content) !== undefined) return false
    if (held.hasSealedNote) this.#parts.contents.miss(noteSealed())
    return !held.hasSealedNote
  }

  /** Its key may be there by now, or have been destroyed. */
  async #again(held: Held): Promise<void> {
    const { inFlight, contents } = this.#parts
    const bringing = contents.ready([held.delivery])
    if (bringing !== undefined) await bringing
    if (bringing !== undefined || inFlight.isUnreadable(held)) {
      inFlight.reread(held, held.delivery, contents.of(held.delivery))
    }
  }

  #fromLog(held: Held): Promise<void> {
    const there = Promise.withResolvers<void>()
    if (this.#wanted.push({ held, there }) === 1) setImmediate(() => void this.#readWanted())
    return there.promise
  }

  /** All that are wanted in one turn of the event loop, in one call. */
  async #readWanted(): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = []
    try {
      const most = Math.ceil(PAGE / wanted.length)
      await this.#read(wanted.flatMap(({ held }) => [held, ...this.#next(held, most)]))
      for (const { there } of wanted) there.resolve()
    } catch (error) {
      for (const { there } of wanted) there.reject(error)
    }
  }

  /** Those that are next of its key. Behind one that has failed, as one has whose note is sealed, they stay evicted: it may fail again. */
  #next(held: Held, most: number): readonly Held[] {
    return !held.hasSealedNote && held.progressIfAny === undefined ? this.#parts.inFlight.behind(held, most) : []
  }

  async #read(these: readonly Held[]): Promise<void> {
    const { inFlight, contents, attachments, fetcher } = this.#parts
    const evicted = these.filter(({ content }) => content === undefined)
    const deliveries = await fetcher.held(evicted.map(({ delivery }) => delivery))
    const received = deliveries.map((delivery) => attachments.read(delivery))
    await contents.ready(received)
    for (const delivery of received) {
      const held = inFlight.get(delivery.messageId)
      if (held !== undefined && held.content === undefined) inFlight.reread(held, delivery, contents.of(delivery))
    }
  }
}
