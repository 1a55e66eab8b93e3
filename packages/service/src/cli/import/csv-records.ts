import { Readable } from 'node:stream'
import { EventSystemError } from '@tradpal/events'
import { CsvError, type Info, parse } from 'csv-parse'
import { parse as parseNow } from 'csv-parse/sync'
import type { Cell } from '../csv.ts'
import type { Source } from './source.ts'

export interface CsvRecord {
  /** The line on which it ends. */
  readonly line: number
  readonly cells: readonly Cell[]
}

/** What detection looks at. */
const SAMPLE_BYTES = 65_536
const SAMPLE_ROWS = 20
const DELIMITERS = [',', ';', '\t']

const READING = { bom: true, relax_column_count: true, skip_empty_lines: true, trim: true } as const

/** The records of a CSV. With `quotes` a cell in quotation marks is told from one without. Throws `invalid_argument` for what is no CSV. */
export async function* csvRecords(
  source: Source,
  { delimiter, quotes }: { readonly delimiter: string; readonly quotes: boolean }
): AsyncGenerator<CsvRecord> {
  const cast = (text: string, { quoting }: { readonly quoting: boolean }): Cell => (quoting ? { quoted: text } : text)
  const parser = parse({ ...READING, info: true, delimiter, ...(quotes ? { cast } : {}) })
  const input = Readable.from(source.bytes())
  input.once('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const { info, record } of parser as AsyncIterable<{ info: Info; record: readonly Cell[] }>) {
      yield { line: info.lines, cells: record }
    }
  } catch (error) {
    throw error instanceof CsvError ? noCsv(source, error) : error
  } finally {
    input.destroy()
    parser.destroy()
  }
}

/** The first lines of a file as text. */
export async function sampleOf(source: Source): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source.bytes()) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= SAMPLE_BYTES) break
  }
  const sample = Buffer.concat(chunks).toString('utf8')
  const end = sample.lastIndexOf('\n')
  return bytes < SAMPLE_BYTES || end === -1 ? sample : sample.slice(0, end + 1)
}

/** The first rows of a sample. Throws `invalid_argument`. */
export function rowsOfSample(source: Source, sample: string, delimiter: string): string[][] {
  const rows = parsedRows(sample, delimiter)
  if (rows instanceof CsvError) throw noCsv(source, rows)
  if (rows.length > 0) return rows
  throw new EventSystemError('invalid_argument', `${source.name} is empty.`)
}

/** What separates the cells: what every row of the sample has the same number of. Throws `invalid_argument` where that is not clear. */
export function delimiterOf(source: Source, sample: string): string {
  const counts = DELIMITERS.map((delimiter) => {
    const rows = parsedRows(sample, delimiter)
    const widths = rows instanceof CsvError ? [] : rows.map((row) => row.length)
    return { delimiter, width: widths[0] ?? 0, isEven: widths.every((width) => width === widths[0]) }
  }).filter(({ width }) => width > 1)
  const even = counts.filter(({ isEven }) => isEven)
  const [found = { delimiter: ',' }, ...others] = even.length > 0 ? even : counts
  if (others.length === 0) return found.delimiter
  const names = [found, ...others].map(({ delimiter }) => (delimiter === '\t' ? 'tab' : JSON.stringify(delimiter)))
  const sentence = `${source.name}: its cells may be separated by ${names.join(' or ')}; give --delimiter.`
  throw new EventSystemError('invalid_argument', sentence)
}

function parsedRows(sample: string, delimiter: string): string[][] | CsvError {
  try {
    return parseNow(sample, { ...READING, delimiter, to: SAMPLE_ROWS })
  } catch (error) {
    if (error instanceof CsvError) return error
    throw error
  }
}

function noCsv(source: Source, cause: CsvError): EventSystemError {
  return new EventSystemError('invalid_argument', `${source.name} is no CSV that can be read: ${cause.message}.`, {
    cause
  })
}
