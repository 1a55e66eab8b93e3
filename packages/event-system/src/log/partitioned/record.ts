import type { MessageId } from '../port.ts'

/** What is kept of a partition beside its cursor: what is not contiguous, and what its owner may have begun. */
export interface PartitionRecord {
  /** The member that hands out the entries; null when it gave the partition up in order. */
  readonly owner: string | null
  /** The owner has at most this number of unfinished entries. */
  readonly allowance: number
  /** All entries up to here are finished, but for {@link unfinished}. Undefined: the cursor says it. */
  readonly finishedTo?: MessageId
  /** In log order. */
  readonly unfinished: readonly MessageId[]
  /** The notes of unfinished entries. */
  readonly notes: Readonly<Record<MessageId, string>>
  /** How often an unfinished entry was handed out, where that was written down before. */
  readonly attempts: Readonly<Record<MessageId, number>>
  readonly suspects?: Suspects
}

/** An owner did not leave: one of these entries may have ended it. They are handed out one at a time. */
export interface Suspects {
  /** The number of unfinished entries, from the first on, that the owner may have had. */
  readonly left: number
  /** The owner cannot have had entries behind this one. */
  readonly upTo: MessageId
}

const NOTHING: PartitionRecord = { owner: null, allowance: 0, unfinished: [], notes: {}, attempts: {} }

export function parseRecord(text: string | undefined): PartitionRecord {
  return text === undefined ? NOTHING : { ...NOTHING, ...JSON.parse(text) }
}

/** `null` where there is nothing to keep. */
export function formatRecord(record: PartitionRecord): string | null {
  const { owner, allowance, finishedTo, unfinished, notes, attempts, suspects } = record
  const text = JSON.stringify({
    ...(owner !== null && { owner, allowance }),
    ...(unfinished.length > 0 && { finishedTo, unfinished }),
    ...(hasSome(notes) && { notes }),
    ...(hasSome(attempts) && { attempts }),
    ...(suspects !== undefined && { suspects })
  })
  return text === '{}' ? null : text
}

function hasSome(texts: Readonly<Record<MessageId, unknown>>): boolean {
  for (const _ in texts) return true
  return false
}
