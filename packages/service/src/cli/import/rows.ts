import { type EventMetadata, EventSystemError, isJsonObject, type JsonObject, parseJson } from '@tradpal/events'
import { EVENT_COLUMNS } from '../export-columns.ts'
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
  if (/^\s*[[{]\s*$/.test(text)) {
    const sentence =
      'A line must be a whole JSON object: write each event on one line, as jq -c . does, and of an array each element, as jq -c ".[]" does.'
    throw new EventSystemError('invalid_json', sentence)
  }
  const value = parseJson(text)
  if (!isJsonObject(value)) {
    const hint = Array.isArray(value) ? '; of an array write each element on a line, as jq -c ".[]" does' : ''
    throw new EventSystemError('invalid_event', `A line must be one JSON object: an event${hint}.`, { pointer: '' })
  }
  const other = Object.keys(value).find((name) => !EVENT_COLUMNS.includes(name))
  if (other !== undefined) {
    const sentence = `${JSON.stringify(other)} is no part of an event, and would be lost: an event has ${EVENT_COLUMNS.join(', ')}; other fields belong into data.`
    throw new EventSystemError('invalid_event', sentence, {
      pointer: `/${other.replaceAll('~', '~0').replaceAll('/', '~1')}`
    })
  }
  return (origin === undefined || 'source' in value ? value : { ...value, source: origin }) as RowContent
}
