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
