import { type EventMetadata, EventSystemError, type JsonObject, parseJson } from '@tradpal/events'
import { bytesOf } from '../input-file.ts'
import { readLines } from '../lines.ts'

/** One event of an input, as far as the input has it. */
export interface RowContent {
  readonly event_type?: unknown
  readonly event_id?: unknown
  readonly timestamp?: unknown
  readonly source?: unknown
  readonly data?: JsonObject
  readonly metadata?: EventMetadata
}

export interface Row {
  /** Counted from 1; a CSV's head is not counted. Names the row in a progress file and in the event ids that are made from it. */
  readonly number: number
  /** Where it is in the file, for people. */
  readonly line: number
  /** How many bytes of the file are read with it. */
  readonly endOffset: number
  /** What it says. Throws what is wrong with it; not called for a row that is passed over. */
  read(): RowContent
}

/** The lines of NDJSON. `source` is for lines that name none. The signal ends the wait for standard input. */
export async function* ndjsonRows(path: string, source: string | undefined, signal: AbortSignal): AsyncGenerator<Row> {
  for await (const lines of readLines(bytesOf(path, signal))) {
    for (const { number, text, endOffset } of lines) {
      if (text.trim() === '') continue
      yield { number, line: number, endOffset, read: () => contentOf(text, source) }
    }
  }
}

function contentOf(text: string, source: string | undefined): RowContent {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EventSystemError('invalid_event', 'A line must be one JSON object: an event.', { pointer: '' })
  }
  return source === undefined || 'source' in value ? value : { ...value, source }
}
