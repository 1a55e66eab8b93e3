import type { KeyObject } from 'node:crypto'
import type { Event } from '@tradpal/events'
import type { AppendEntry } from '../../log/index.ts'
import { seal } from './cipher.ts'

/** What is sealed of an event, and with what. */
export interface Content {
  readonly key: KeyObject
  /** Authenticated with it. */
  readonly about: string
  readonly text: string
  /** What stands before it in the payload, and what behind it. */
  readonly before: string
  readonly after: string
}

/** An entry of which a part is to be sealed: which a thread may do, and is done here by who asks for the payload first. */
export class Draft implements AppendEntry {
  readonly eventId: string
  readonly eventType: string
  readonly content: Content
  #payload: string | undefined

  constructor({ eventId, eventType }: Event, content: Content) {
    this.eventId = eventId
    this.eventType = eventType
    this.content = content
  }

  get payload(): string {
    this.seal()
    return this.#payload as string
  }

  get isSealed(): boolean {
    return this.#payload !== undefined
  }

  /** Of the payload, in characters: about, while it is not sealed. */
  get size(): number {
    const { text, before, after } = this.content
    return before.length + text.length + after.length
  }

  /** Here and now, unless it is sealed. */
  seal(): void {
    const { key, about, text } = this.content
    if (!this.isSealed) this.fill(seal(key, about, text))
  }

  /** With what was sealed elsewhere. */
  fill(box: string): void {
    const { before, after } = this.content
    this.#payload = before + box + after
  }
}
