import { EventSystemError } from '@tradpal/events'
import type { TextVault } from '../../codec/index.ts'
import type { AppendEntry } from '../../log/index.ts'
import type { UnknownOutcome } from '../parcel.ts'

/** The type, in the store, of what waits. */
export const RECORD = 'record'

/** A parcel as it stands in the spool. */
export interface SpoolRecord {
  readonly entries: readonly AppendEntry[]
  readonly keys: readonly string[]
  readonly unknown?: UnknownOutcome | undefined
}

/** Of an event without an event time, JSON has `null` for it. */
type StoredEntry = [eventId: string, eventType: string, payload: string, eventTime: number | null, key?: string]

/** The keys are a part of what the events say: sealed, they are one text. */
type StoredRecord = [entries: StoredEntry[], keys: string[] | string, UnknownOutcome?]

export function encodeRecord({ entries, keys, unknown }: SpoolRecord, vault?: TextVault): string {
  const stored: StoredRecord = [
    entries.map(storedEntry),
    vault === undefined ? [...keys] : vault.seal(placeOf(entries), JSON.stringify(keys))
  ]
  return JSON.stringify(unknown === undefined ? stored : [...stored, unknown])
}

/** Throws `log_incompatible` for what no version of this wrote, and `key_missing`. Sealed keys of which nobody has the vault are none. */
export function decodeRecord(text: string | null, vault?: TextVault): SpoolRecord {
  const { keys, ...record } = parsedRecord(text)
  return { ...record, keys: typeof keys === 'string' ? openedKeys(record.entries, keys, vault) : keys }
}

function openedKeys(entries: readonly AppendEntry[], sealed: string, vault: TextVault | undefined): readonly string[] {
  return vault === undefined ? [] : JSON.parse(vault.open(placeOf(entries), sealed))
}

function placeOf(entries: readonly AppendEntry[]): string[] {
  return ['spool', ...entries.map(({ eventId }) => eventId)]
}

function parsedRecord(text: string | null): Omit<SpoolRecord, 'keys'> & { readonly keys: readonly string[] | string } {
  try {
    const [entries, keys, unknown] = JSON.parse(text ?? '') as StoredRecord
    return {
      entries: entries.map(entryOf),
      keys,
      ...(unknown === undefined ? {} : { unknown })
    }
  } catch (error) {
    throw new EventSystemError('log_incompatible', 'The spool holds something that is none of its records.', {
      cause: error
    })
  }
}

function storedEntry({ eventId, eventType, payload, eventTime: time, key }: AppendEntry): StoredEntry {
  const eventTime = time ?? null
  return key === undefined ? [eventId, eventType, payload, eventTime] : [eventId, eventType, payload, eventTime, key]
}

function entryOf([eventId, eventType, payload, eventTime, key]: StoredEntry): AppendEntry {
  return {
    eventId,
    eventType,
    payload,
    ...(eventTime !== null && { eventTime }),
    ...(key !== undefined && { key })
  }
}
