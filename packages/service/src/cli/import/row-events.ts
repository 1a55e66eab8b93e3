import { type Event, EventSystemError, fromParsed } from '@tradpal/events'
import { canonicalJson } from './row-ids.ts'
import type { Row } from './rows.ts'

/** A row as an event. */
export interface RowEvent {
  readonly line: number
  /** Without an id of its own where `content` is given. */
  readonly event: Event
  /** Of a row that brings no event id: all that makes it another row than the next. */
  readonly content: string | undefined
}

/** Takes the place of an id that is made later. */
const NO_ID = 'none'

/**
 * The event of a row, which is the same in each pass. `origin` is the preset, or the format. The data are not checked here:
 * the service knows the types and the level. Throws what is wrong, with the line.
 */
export function eventOf(row: Row, origin: string): RowEvent {
  const { line } = row
  try {
    const { content, identity } = row.read()
    if (content.timestamp == null) {
      const sentence =
        'timestamp is missing: an import keeps the times of the file, and adds none. publish takes events of now.'
      throw new EventSystemError('invalid_event', sentence, { pointer: '/timestamp' })
    }
    if (content.event_id != null) return { line, event: fromParsed(content, { validation: 'off' }), content: undefined }
    const event = fromParsed({ ...content, event_id: NO_ID }, { validation: 'off' })
    const { eventType, timestamp, source, data, metadata } = event
    const own = identity ?? { timestamp, source, data, metadata }
    return { line, event, content: canonicalJson([origin, eventType, own]) }
  } catch (error) {
    throw error instanceof EventSystemError ? onLine(line, error) : error
  }
}

/** An error about a row, with its line and where it is known the column; without its place in a batch. */
export function onLine(
  line: number,
  { code, message, pointer, cause }: EventSystemError,
  columnOf: (field: string) => string | undefined = () => undefined
): EventSystemError {
  const inRow = pointer?.replace(/^\/\d+(?=\/)/, '')
  const column = columnOf(inRow?.replace(/^\/(?:data\/)?/, '') ?? '')
  const sentence = message.replace(/^Event \d+(?: of the batch)?: /, '')
  const where = sentence.startsWith('column ')
    ? `Line ${line}, `
    : `Line ${line}${column === undefined ? '' : `, column ${column}`}: `
  return new EventSystemError(code, `${where}${sentence}`, {
    cause,
    ...(inRow === undefined ? {} : { pointer: inRow })
  })
}
