import { EventSystemError } from '@tradpal/events'
import type { MessageId, ReadRange } from './port.ts'

/** A place in the order of event times: behind all that happened earlier, and behind what happened in the same ms up to this entry. */
export interface TimePlace {
  readonly eventTime: number
  readonly messageId: MessageId
}

/** What a read in the order of event times is about: behind the one place, up to the other and including it. */
export interface TimeBounds {
  readonly behind: TimePlace
  readonly last: TimePlace
}

/** No entry has this id, and each stands behind it. */
const BEFORE_ALL: MessageId = '0-0'
const FORM = /^(0|-?[1-9]\d{0,15})@(\d+-\d+)$/

/** As a position of such a read. */
export function formatTimePlace({ eventTime, messageId }: TimePlace): string {
  return `${eventTime}@${messageId}`
}

/** Throws `invalid_message_id`. */
function parseTimePlace(text: string): TimePlace {
  const [, eventTime, messageId] = FORM.exec(text) ?? []
  if (eventTime !== undefined && messageId !== undefined) return { eventTime: Number(eventTime), messageId }
  throw new EventSystemError(
    'invalid_message_id',
    `${JSON.stringify(text)} is no position of a read in the order of event times: give the one that the page before had.`
  )
}

/** Throws `invalid_message_id`, and `invalid_argument` for `end` and a time that is none. */
export function timeBoundsOf({ from = 'start', to }: Pick<ReadRange, 'from' | 'to'>): TimeBounds {
  return { behind: placeBehind(from), last: lastPlace(to) }
}

function placeBehind(from: NonNullable<ReadRange['from']>): TimePlace {
  if (from === 'start') return { eventTime: Number.MIN_SAFE_INTEGER, messageId: BEFORE_ALL }
  if (from === 'end') {
    const message =
      'A read in the order of event times has no end to begin at: an event of any time may come. Give a time, or read backward.'
    throw new EventSystemError('invalid_argument', message)
  }
  if ('after' in from) return parseTimePlace(from.after)
  return { eventTime: wholeMs(Math.ceil(from.time)), messageId: BEFORE_ALL }
}

function lastPlace(to: ReadRange['to']): TimePlace {
  if (to === undefined) return { eventTime: Number.MAX_SAFE_INTEGER, messageId: BEFORE_ALL }
  if ('checkpoint' in to) return parseTimePlace(to.checkpoint)
  return { eventTime: wholeMs(Math.floor(to.time) + 1), messageId: BEFORE_ALL }
}

function wholeMs(time: number): number {
  if (Number.isNaN(time)) throw new EventSystemError('invalid_argument', 'A time is NaN: it is in ms since the epoch.')
  return Math.min(Math.max(time, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}
