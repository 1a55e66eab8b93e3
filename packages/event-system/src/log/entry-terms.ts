import { assertStreamKey, EventSystemError, isKey } from '@tradpal/events'
import type { AppendEntry } from './port.ts'

/** Throws `invalid_argument` for an entry that no log takes. */
export function assertEntries(entries: readonly AppendEntry[]): void {
  for (const { streamKey, key, eventTime } of entries) {
    if (streamKey !== undefined) assertStreamKey(streamKey)
    if (key !== undefined) assertKey(key)
    if (eventTime !== undefined && !Number.isSafeInteger(eventTime)) {
      throw wrong(`The event time of an entry must be a whole number of ms since the epoch, got ${eventTime}.`)
    }
  }
}

/** Throws `invalid_argument` for a key that no entry has. */
export function assertKeys(keys: readonly string[] = []): void {
  for (const key of keys) assertKey(key)
}

function assertKey(key: string): void {
  if (typeof key === 'string' && isKey(key)) return
  const message = 'The key of an entry must be a text of 1 to 200 characters, none of them a control character'
  throw wrong(`${message}, got ${JSON.stringify(key)}.`)
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
