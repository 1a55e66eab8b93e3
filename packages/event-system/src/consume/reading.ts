import { noteSealed } from '../codec/index.ts'
import { type Contents, whyUnread } from './content.ts'
import type { Content, Held } from './held.ts'
import type { Shelf } from './shelf.ts'

/** What was read longer ago is looked at again before its handlers run, in ms, as is what they failed with: its subject may have been shredded. */
const STALE_MS = 1_000

/** Sees to it that what is held can be read when its handlers are to run, and knows what cannot be yet: its key is not there. */
export class Reading {
  readonly #contents: Contents
  readonly #shelf: Shelf
  readonly #waiting = new Set<Held>()

  constructor(contents: Contents, shelf: Shelf) {
    this.#contents = contents
    this.#shelf = shelf
  }

  /** Whether anything cannot be read yet. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Reads it, and its note, where that is to be done now. `undefined` where it was read just before. */
  bring(held: Held): Promise<void> | undefined {
    // The log opens the note once more when it is asked for the entry once more.
    if (held.hasSealedNote) this.#shelf.put(held)
    if (held.content === undefined) return this.#shelf.take(held)
    if (this.#waiting.has(held) || held.progressIfAny !== undefined || held.age > STALE_MS) return this.#again(held)
    return undefined
  }

  /** Whether it, and how far its handlers are with it, can be told; else it is said which key there is not. */
  isReadable(held: Held, content: Content): boolean {
    if (whyUnread(content) !== undefined) return false
    if (held.hasSealedNote) this.#contents.miss(noteSealed())
    return !held.hasSealedNote
  }

  /** It is looked at again later. */
  putOff(held: Held): void {
    this.#waiting.add(held)
  }

  /** It can be read by now, or it is out of hand. */
  forget(held: Held): void {
    this.#waiting.delete(held)
  }

  /** Its key may be there by now, or have been destroyed. */
  async #again(held: Held): Promise<void> {
    const bringing = this.#contents.ready([held.delivery])
    if (bringing !== undefined) await bringing
    if (bringing !== undefined || this.#waiting.has(held)) held.reread(this.#contents.of(held.delivery))
  }
}
