import type { KeyObject } from 'node:crypto'
import type { Event } from '@tradpal/events'
import type { AppendEntry } from '../../log/index.ts'
import { seal } from './cipher.ts'

/** What is sealed of an event, and with what. */
export class Content {
  readonly key: KeyObject
  /** Authenticated with the text. */
  readonly about: string
  readonly text: string

  constructor(key: KeyObject, about: string, text: string) {
    this.key = key
    this.about = about
    this.text = text
  }
}

/** An entry of which a part is to be sealed: with others at once, or by itself when somebody asks for the payload first. */
export class Draft implements AppendEntry {
  readonly eventId: string
  readonly eventType: string
  readonly content: Content
  readonly #before: string
  readonly #after: string
  #payload: string | undefined

  /** `before`, `after`: what stands before the box of the content in the payload, and behind it. */
  constructor({ eventId, eventType }: Event, content: Content, before: string, after: string) {
    this.eventId = eventId
    this.eventType = eventType
    this.content = content
    this.#before = before
    this.#after = after
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
    return this.#before.length + this.content.text.length + this.#after.length
  }

  /** By itself, unless it is sealed. */
  seal(): void {
    const { key, about, text } = this.content
    if (!this.isSealed) this.fill(seal(key, about, text))
  }

  /** With what sealing made of the content. */
  fill(box: string): void {
    this.#payload = this.#before + box + this.#after
  }
}
