import { EventSystemError } from '@tradpal/events'
import type { MessageId } from '../port.ts'

/**
 * A message id `<ms>-<seq>` is kept as one integer, `ms * 2048 + seq`: a row's key, and exact in a JavaScript number until
 * the year 2109. When more than 2,048 entries come in one millisecond, the ids run on into the next.
 */
export const IDS_PER_MS = 2_048

const FORM = /^(0|[1-9]\d{0,12})-(0|[1-9]\d{0,3})$/
const LARGEST_MS = Math.floor(Number.MAX_SAFE_INTEGER / IDS_PER_MS) - 1

export function formatMessageId(id: number): MessageId {
  return `${timeOf(id)}-${id % IDS_PER_MS}`
}

/** When the log took the entry of an id, ms since the epoch. */
export function timeOf(id: number): number {
  return Math.floor(id / IDS_PER_MS)
}

/** Throws `invalid_message_id`. */
export function parseMessageId(text: MessageId): number {
  const [, ms, seq] = FORM.exec(text) ?? []
  if (ms === undefined || Number(ms) > LARGEST_MS || Number(seq) >= IDS_PER_MS) {
    throw new EventSystemError(
      'invalid_message_id',
      `'${text}' is no message id of an embedded log: one is <ms>-<seq>, such as 1767225600000-0, with a seq under ${IDS_PER_MS}.`
    )
  }
  return Number(ms) * IDS_PER_MS + Number(seq)
}

/** The first id that an entry of this instant or later can have. Throws `invalid_argument`. */
export function firstIdAt(time: number): number {
  if (Number.isNaN(time)) throw new EventSystemError('invalid_argument', 'A time is NaN: it is in ms since the epoch.')
  return Math.min(Math.max(Math.ceil(time), 0), LARGEST_MS) * IDS_PER_MS
}

/** The last id that an entry of this instant or earlier can have; -1 for instants before the epoch. Throws `invalid_argument`. */
export function lastIdAt(time: number): number {
  return firstIdAt(Math.floor(time) + 1) - 1
}
