import { type EventMetadata, EventSystemError, isJsonObject, type JsonObject, parseJson } from '@tradpal/events'
import { readLines } from '../lines.ts'
import type { Source } from './source.ts'

/** One event of an input, as far as the input has it. */
export interface RowContent {
  readonly event_type?: unknown
  readonly event_id?: unknown
  readonly timestamp?: unknown
  readonly source?: unknown
  readonly data?: JsonObject
  readonly metadata?: EventMetadata
}

/** What a row says, and what makes it another row than the next where it has no event id: JSON; default: the event. */
export interface ReadRow {
  readonly content: RowContent
  readonly identity?: unknown
}

export interface Row {
  /** Where it is in the file, from 1. */
  readonly line: number
  /** Throws what is wrong with it. */
  read(): ReadRow
}

/** The lines of NDJSON. `origin` is the source of lines that name none. */
export async function* ndjsonRows(source: Source, origin: string | undefined): AsyncGenerator<Row> {
  for await (const lines of readLines(source.bytes())) {
    for (const { number, text } of lines) {
      if (text.trim() !== '') yield { line: number, read: () => ({ content: contentOf(text, origin) }) }
    }
  }
}

function contentOf(text: string, origin: string | undefined): RowContent {
  const value = parseJson(text)
  if (!isJsonObject(value)) {
    const hint = Array.isArray(value) ? '; of an array write each element on a line, as jq -c ".[]" does' : ''
    throw new EventSystemError('invalid_event', `A line must be one JSON object: an event${hint}.`, { pointer: '' })
  }
  return (origin === undefined || 'source' in value ? value : { ...value, source: origin }) as RowContent
}
