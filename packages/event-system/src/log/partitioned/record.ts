import type { MessageId } from '../port.ts'

/** What is kept of a partition beside its cursor: what is not contiguous, and what its owner may have begun. */
export interface PartitionRecord {
  /** The member that hands out the entries; null when it gave the partition up in order. */
  readonly owner: string | null
  /** The owner has at most this number of unfinished entries. */
  readonly allowance: number
  /** Behind the cursor, in log order: stretches in which all entries are finished. Their number is bounded by what is unfinished. */
  readonly finished: readonly Stretch[]
  /** The notes of unfinished entries. */
  readonly notes: Readonly<Record<MessageId, string>>
  /** How often an unfinished entry was handed out, where that was written down before. */
  readonly attempts: Readonly<Record<MessageId, number>>
  /** Undefined as soon as an owner has finished something at the cursor. */
  readonly deaths?: Deaths
  readonly suspects?: Suspects
}

/** All entries behind the first position and up to the second. */
export type Stretch = readonly [after: MessageId, upTo: MessageId]

/** Owners that did not leave, one after the other, while the cursor stood still. */
export interface Deaths {
  readonly at: MessageId
  readonly count: number
}

/** Two owners did not leave: one of these entries may have ended them. They are handed out one at a time. */
export interface Suspects {
  /** The number of unfinished entries, from the first on, that an owner may have had. */
  readonly left: number
  /** The owner cannot have had entries behind this one. */
  readonly upTo: MessageId
}

const NOTHING: PartitionRecord = { owner: null, allowance: 0, finished: [], notes: {}, attempts: {} }

export function parseRecord(text: string | undefined): PartitionRecord {
  return text === undefined ? NOTHING : { ...NOTHING, ...JSON.parse(text) }
}

/** `null` where there is nothing to keep. */
export function formatRecord(record: PartitionRecord): string | null {
  const { owner, allowance, finished, notes, attempts, deaths, suspects } = record
  const text = JSON.stringify({
    ...(owner !== null && { owner, allowance }),
    ...(finished.length > 0 && { finished }),
    ...(hasSome(notes) && { notes }),
    ...(hasSome(attempts) && { attempts }),
    ...(deaths !== undefined && { deaths }),
    ...(suspects !== undefined && { suspects })
  })
  return text === '{}' ? null : text
}

function hasSome(texts: Readonly<Record<MessageId, unknown>>): boolean {
  for (const _ in texts) return true
  return false
}
