import { EventSystemError } from '@tradpal/events'
import type { AppendEntry } from '../../log/index.ts'
import type { Parcel, UnknownOutcome } from '../parcel.ts'

/** A parcel as it stands in the spool. */
export interface SpoolRecord {
  readonly entries: readonly AppendEntry[]
  readonly keys: readonly string[]
  readonly unknown?: UnknownOutcome
}

type StoredRecord = [entries: [eventId: string, eventType: string, payload: string][], keys: string[], UnknownOutcome?]

export function encodeRecord({ entries, keys, unknown }: Parcel): string {
  const stored: StoredRecord = [
    entries.map(({ eventId, eventType, payload }) => [eventId, eventType, payload]),
    [...keys]
  ]
  return JSON.stringify(unknown === undefined ? stored : [...stored, unknown])
}

/** Throws `log_incompatible` for what no version of this wrote. */
export function decodeRecord(text: string | null): SpoolRecord {
  try {
    const [entries, keys, unknown] = JSON.parse(text ?? '') as StoredRecord
    return {
      entries: entries.map(([eventId, eventType, payload]) => ({ eventId, eventType, payload })),
      keys,
      ...(unknown === undefined ? {} : { unknown })
    }
  } catch (error) {
    throw new EventSystemError('log_incompatible', 'The spool holds something that is none of its records.', {
      cause: error
    })
  }
}
