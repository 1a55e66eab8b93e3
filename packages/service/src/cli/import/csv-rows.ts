import { Readable } from 'node:stream'
import { EventSystemError, type JsonValue, schemaOf } from '@tradpal/events'
import { CsvError, type Info, parse } from 'csv-parse'
import { NUMBER, textOfCell } from '../csv.ts'
import { bytesOf } from '../input-file.ts'
import type { Row, RowContent } from './rows.ts'
import { readTimestamp } from './timestamps.ts'

/** How the columns of a CSV become events. */
export interface CsvMapping {
  readonly eventType: string
  /** Field to column: `{symbol: 'Ticker', price: 'Close'}`. Empty: each column is the field of its name. */
  readonly columns: Readonly<Record<string, string>>
  /** For every row, where no column has it. */
  readonly symbol: string | undefined
  readonly source: string
}

/** Fields that are parts of the event itself; every other is of its data. */
const PARTS: ReadonlySet<string> = new Set(['timestamp', 'event_id', 'source'])

/** Where a field is in a record. */
interface Place {
  readonly field: string
  readonly index: number
  readonly kind: 'number' | 'text' | 'either'
}

interface CsvRecord {
  readonly info: Info
  readonly record: readonly string[]
}

/** The records behind a CSV's head. Rejects with `invalid_argument` when a mapped column is not there, and what is no CSV. */
export async function* csvRows(path: string, mapping: CsvMapping): AsyncGenerator<Row> {
  const parser = parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true })
  const input = Readable.from(bytesOf(path))
  input.once('error', (error) => parser.destroy(error)).pipe(parser)
  let places: readonly Place[] | undefined
  let head: readonly string[] = []
  try {
    for await (const { info, record } of parser as AsyncIterable<CsvRecord>) {
      if (places === undefined) {
        head = record.map((cell) => textOfCell(cell).text)
        places = placesOf(head, mapping)
        continue
      }
      const known = places
      yield {
        number: info.records - 1,
        line: info.lines,
        endOffset: info.bytes,
        read: () => contentOf(record, head, known, mapping)
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new EventSystemError('invalid_argument', `${path} is no CSV that can be read: ${error.message}.`, {
      cause: error
    })
  } finally {
    input.destroy()
    parser.destroy()
  }
  if (places === undefined)
    throw new EventSystemError('invalid_argument', `${path} is empty: a CSV begins with a line of column names.`)
}

function placesOf(head: readonly string[], { columns, eventType }: CsvMapping): Place[] {
  const mapped = Object.keys(columns).length > 0 ? Object.entries(columns) : head.map((name) => [name, name] as const)
  return mapped.map(([field, column]) => {
    const index = head.indexOf(column)
    if (index === -1) {
      throw new EventSystemError(
        'invalid_argument',
        `There is no column ${JSON.stringify(column)}; there are ${head.join(', ')}.`
      )
    }
    return { field, index, kind: kindOf(eventType, field) }
  })
}

/** What the type's schema says of a field decides: a symbol of digits stays text. */
function kindOf(eventType: string, field: string): Place['kind'] {
  if (PARTS.has(field)) return 'text'
  const { properties } = schemaOf(eventType) as { properties?: Record<string, { type?: string | string[] }> }
  const types = [properties?.[field]?.type ?? []].flat()
  if (types.includes('number') || types.includes('integer')) return types.includes('string') ? 'either' : 'number'
  return types.includes('string') ? 'text' : 'either'
}

function contentOf(
  record: readonly string[],
  head: readonly string[],
  places: readonly Place[],
  mapping: CsvMapping
): RowContent {
  if (record.length !== head.length) {
    throw new EventSystemError('invalid_data', `The row has ${record.length} cells and the head ${head.length}.`)
  }
  const data: Record<string, JsonValue> = mapping.symbol === undefined ? {} : { symbol: mapping.symbol }
  const parts: Record<string, string> = { source: mapping.source }
  for (const place of places) {
    const cell = record[place.index] as string
    if (cell === '') continue
    if (cell.includes('\uFFFD')) {
      throw new EventSystemError('invalid_data', `Column ${head[place.index]} is not UTF-8; save the file as UTF-8.`)
    }
    const { text, isText } = textOfCell(cell)
    if (place.field === 'timestamp') parts.timestamp = readTimestamp(text)
    else if (PARTS.has(place.field)) parts[place.field] = text
    else data[place.field] = isText && place.kind === 'either' ? text : cellValue(text, place, head)
  }
  return { ...parts, event_type: mapping.eventType, data }
}

function cellValue(text: string, { field, index, kind }: Place, head: readonly string[]): JsonValue {
  if (kind === 'text') return text
  if (NUMBER.test(text)) return Number(text)
  if (kind === 'either') return text
  throw new EventSystemError(
    'invalid_data',
    `Column ${head[index]} must be a number for ${field}, such as 1234.5 without separators, got ${JSON.stringify(text)}.`,
    { pointer: `/data/${field}` }
  )
}
