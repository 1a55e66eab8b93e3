import { openProgress, parseAttachment, sealProgress, type TextVault, toAttachment } from '../codec/index.ts'
import type { Delivery } from '../log/index.ts'

/** A delivery whose attachment has been read. */
export interface Received extends Delivery {
  /** How far its handlers are. */
  readonly note?: string
  /** Whether the payload is one that an operator gave the group instead of the entry's. */
  readonly isAmended?: boolean
  /** How often an operator has put the entry back from the dead letters. */
  readonly requeues?: number
}

/** What a group keeps with its pending entries: read when they are delivered, and written when they are to be tried again. */
export class Attachments {
  readonly #group: string
  readonly #vault: TextVault | undefined

  constructor(group: string, vault: TextVault | undefined) {
    this.#group = group
    this.#vault = vault
  }

  /** The delivery as its handlers get it. Most have no attachment, and stay as they are. */
  read<D extends Delivery>(delivery: D): D & Received {
    if (delivery.attachment === undefined) return delivery
    const { progress, payload, requeues } = parseAttachment(delivery.attachment)
    return {
      ...delivery,
      ...(progress !== undefined && { note: this.#opened(progress, delivery) }),
      ...(payload !== undefined && { payload, isAmended: true }),
      ...(requeues !== undefined && { requeues })
    }
  }

  /** The attachment of a delivery that is to be tried again. */
  ofRetry({ messageId, payload, isAmended, requeues }: Received, note: string): string {
    const progress = this.#vault === undefined ? note : sealProgress(note, [this.#group, messageId], this.#vault)
    return toAttachment({
      progress,
      ...(isAmended && payload !== null && { payload }),
      ...(requeues !== undefined && { requeues })
    })
  }

  #opened(progress: string, { messageId }: Delivery): string {
    return this.#vault === undefined ? progress : openProgress(progress, [this.#group, messageId], this.#vault)
  }
}
