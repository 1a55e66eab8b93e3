import type { EventRange } from '@tradpal/event-api'
import {
  type Checkpoint,
  checkAll,
  type EventPage,
  EventSystemError,
  type LogGap,
  type OnGap,
  timestampMs
} from '@tradpal/event-system'
import { type Principal, readableTypes } from '@tradpal/event-system/access'
import { isPosition } from '../position.ts'

/** A range of a request in the library's words. Refuses with `invalid_argument`. */
function rangeOf({ event_type, start_time, end_time, time, after, ...query }: EventRange) {
  if (after !== undefined && start_time !== undefined) {
    throw new EventSystemError('invalid_argument', 'start_time and after exclude each other; give one of them.')
  }
  checkAll([() => start_time && instantOf('start_time', start_time), () => end_time && instantOf('end_time', end_time)])
  const startTime = start_time === undefined ? undefined : instantOf('start_time', start_time)
  const endTime = end_time === undefined ? undefined : instantOf('end_time', end_time)
  if (startTime !== undefined && endTime !== undefined && startTime > endTime) {
    throw new EventSystemError(
      'invalid_argument',
      `start_time ${start_time} is after end_time ${end_time}; exchange them.`
    )
  }
  return {
    ...typesOf(event_type),
    ...symbolsOf(query),
    ...(after === undefined ? {} : { after }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(endTime === undefined ? {} : { endTime }),
    ...(time === undefined ? {} : { time })
  }
}

/** As {@link rangeOf}, and nothing in it that the principal may not read. Refuses with `forbidden` too. */
export function readableRange(principal: Principal, query: EventRange) {
  return { ...rangeOf(query), ...typesReadBy(principal, query.event_type) }
}

/** What a query does about a gap, the gap that was found, and what an answer then says of it. Refuses with `invalid_argument`. */
export function gapReport({ on_gap, time }: Pick<EventRange, 'on_gap' | 'time'>) {
  if (time === 'event' && on_gap !== undefined) {
    const sentence =
      'on_gap is for log order: in the order of event times nobody can say what was trimmed. Leave it out, or ask with time=log.'
    throw new EventSystemError('invalid_argument', sentence, { pointer: '/on_gap' })
  }
  let found: LogGap | undefined
  const note = (gap: LogGap) => {
    found = gap
  }
  const onGap: OnGap = on_gap === 'error' ? 'error' : note
  const report = (): { gap?: true } => (found === undefined ? {} : { gap: true })
  return { asked: time === 'event' ? {} : { onGap }, found: () => found, report }
}

/** What an answer without events says where {@link EventPage.happenedThen} is told. */
export function hintReport(happenedThen: boolean): { hint?: string } {
  if (!happenedThen) return {}
  return { hint: 'The log took no such event in this time, but some happened in it: ask with time=event.' }
}

/** The types of a request that the principal may read; none of them named is all that it may. Refuses with `forbidden`. */
export function typesReadBy(principal: Principal, names: readonly string[] | undefined): { eventType?: string[] } {
  const types = readableTypes(principal, typesOf(names).eventType)
  return types === undefined ? {} : { eventType: types }
}

/** Of an answer that lasts: throws `forbidden` when its caller may not read the same any more. */
export function mayReadAsBefore(before: Principal, names: readonly string[] | undefined) {
  const types = String(typesReadBy(before, names).eventType)
  return (now: Principal): void => {
    if (String(typesReadBy(now, names).eventType) === types) return
    throw new EventSystemError('forbidden', `What ${now.name} may read has changed: ask again.`)
  }
}

/** The symbols of a request. Refuses with `invalid_argument` both names at once. */
export function symbolsOf({ symbol, symbols }: Pick<EventRange, 'symbol' | 'symbols'>): {
  symbols?: readonly string[]
} {
  if (symbol !== undefined && symbols !== undefined) {
    throw new EventSystemError('invalid_argument', 'symbol and symbols are the same; give one of them.')
  }
  const given = symbol ?? symbols
  return given === undefined ? {} : { symbols: given }
}

function typesOf(names: readonly string[] | undefined): { eventType?: string[] } {
  return names === undefined ? {} : { eventType: names.flatMap((name) => name.split(',')).map((name) => name.trim()) }
}

/** A time of a request, in ms since the epoch. Refuses with `invalid_argument`. A plus that was not encoded reaches the service as a space: `+00:00` is read all the same. */
export function instantOf(name: string, text: string): number {
  try {
    return timestampMs(text.replace(/ (?=\d\d:?\d\d$)/, '+'))
  } catch (cause) {
    const example = '2026-11-23T08:49:10Z'
    const sentence = `${name} must be a date and a time in RFC 3339, such as ${example}, got ${JSON.stringify(text)}.`
    throw new EventSystemError('invalid_argument', sentence, { cause, pointer: `/${name}` })
  }
}

/** A place in the log, as a text says it: one of these words, a position, or a time. Refuses with `invalid_argument`. */
export function placeOf<Word extends string>(
  name: string,
  words: readonly Word[],
  text: string
): Word | Checkpoint | Date {
  const word = words.find((one) => one === text)
  if (word !== undefined) return word
  if (isPosition(text)) return text
  try {
    return new Date(instantOf(name, text))
  } catch (cause) {
    const sentence = `${name} must be ${words.join(', ')}, a position, a message id, or a time such as 2026-11-23T08:49:10Z, got ${JSON.stringify(text)}.`
    throw new EventSystemError('invalid_argument', sentence, { cause, pointer: `/${name}` })
  }
}
