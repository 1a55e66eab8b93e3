import type { Attachments } from '../codec/index.ts'
import type { Delivery } from '../log/index.ts'
import type { Contents } from './content.ts'
import { Held } from './held.ts'

/** Decodes deliveries for handlers: each one once, with its attachment, after its keys were read. */
export class Decoder {
  readonly #contents: Contents
  readonly #attachments: Attachments

  constructor(contents: Contents, attachments: Attachments) {
    this.#contents = contents
    this.#attachments = attachments
  }

  async decode(deliveries: readonly Delivery[]): Promise<Held[]> {
    const received = deliveries.map((delivery) => this.#attachments.read(delivery))
    const bringing = this.#contents.ready(received)
    if (bringing !== undefined) await bringing
    return received.map((delivery) => new Held(delivery, this.#contents.of(delivery)))
  }
}
