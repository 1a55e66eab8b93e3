import type { Delivery, PendingEntry } from '../log/index.ts'
import { openProgress, sealProgress } from './encryption/sealed-progress.ts'
import type { TextVault } from './encryption/text-vault.ts'

/** What a group keeps with a pending entry, as one text. */
export interface AttachmentContent {
  /** How far the handlers are: {@link toHandlingNote}, sealed where the log is encrypted. */
  readonly progress?: string
  /** The payload that an operator gave the group instead of the entry's. */
  readonly payload?: string
  /** How often an operator has put the entry back from the dead letters. */
  readonly requeues?: number
}

export function toAttachment(attachment: AttachmentContent): string {
  return JSON.stringify(attachment)
}

/** An attachment that this version cannot read counts for none. */
export function parseAttachment(text: string): AttachmentContent {
  try {
    return JSON.parse(text) as AttachmentContent
  } catch {
    return {}
  }
}

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

  /** How far the handlers of a pending entry are. */
  noteOf({ messageId, attachment }: Pick<PendingEntry, 'messageId' | 'attachment'>): string | undefined {
    const { progress } = attachment === undefined ? {} : parseAttachment(attachment)
    return progress && this.#opened(progress, { messageId })
  }

  #opened(progress: string, { messageId }: Pick<Delivery, 'messageId'>): string {
    return this.#vault === undefined ? progress : openProgress(progress, [this.#group, messageId], this.#vault)
  }
}
