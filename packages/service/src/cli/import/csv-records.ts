import { Readable } from 'node:stream'
import { EventSystemError } from '@tradpal/events'
import { CsvError, type Info, parse } from 'csv-parse'
import type { Cell } from '../csv.ts'
import type { Source } from './source.ts'

export interface CsvRecord {
  /** The line on which it ends. */
  readonly line: number
  readonly cells: readonly Cell[]
}

/** How many rows detection looks at. */
const FIRST_ROWS = 20
const DELIMITERS = [',', ';', '\t']
/** A larger record is no row: a quotation mark that is never closed must not gather the rest of the file in memory. */
const MAX_RECORD_BYTES = 64 * 1_048_576

const READING = {
  ...{ bom: true, relax_column_count: true, skip_empty_lines: true, trim: true, info: true },
  // All three: files that were put together of others have several.
  record_delimiter: ['\r\n', '\n', '\r'],
  max_record_size: MAX_RECORD_BYTES
}

/** The records of a CSV. With `quotes` a cell in quotation marks is told from one without. Throws `invalid_argument` for what is no CSV. */
export async function* csvRecords(
  source: Source,
  { delimiter, quotes }: { readonly delimiter: string; readonly quotes: boolean }
): AsyncGenerator<CsvRecord> {
  const cast = (text: string, { quoting }: { readonly quoting: boolean }): Cell => (quoting ? { quoted: text } : text)
  let last = 0
  const on_record = <Read>(record: Read, { lines }: Info): Read => {
    last = lines
    return record
  }
  const parser = parse({ ...READING, delimiter, on_record, ...(quotes ? { cast } : {}) })
  const input = Readable.from(source.bytes())
  input.once('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const { info, record } of parser as AsyncIterable<{ info: Info; record: readonly Cell[] }>) {
      yield { line: info.lines, cells: record }
    }
  } catch (error) {
    throw error instanceof CsvError ? noCsv(source, error, last) : error
  } finally {
    input.destroy()
    parser.destroy()
  }
}

/** The first rows of a file. Throws `invalid_argument`. */
export async function firstRows(source: Source, delimiter: string): Promise<string[][]> {
  const rows: string[][] = []
  for await (const { cells } of csvRecords(source, { delimiter, quotes: false })) {
    if (rows.push(cells as string[]) === FIRST_ROWS) break
  }
  if (rows.length > 0) return rows
  throw new EventSystemError('invalid_argument', `${source.name} is empty.`)
}

/** What separates the cells: what each of the first rows has the same number of. Throws `invalid_argument` where that is not clear. */
export async function delimiterOf(source: Source): Promise<string> {
  const counts: { delimiter: string; width: number; isEven: boolean }[] = []
  for (const delimiter of DELIMITERS) {
    const widths = await widthsOf(source, delimiter)
    counts.push({ delimiter, width: widths[0] ?? 0, isEven: widths.every((width) => width === widths[0]) })
  }
  const several = counts.filter(({ width }) => width > 1)
  const even = several.filter(({ isEven }) => isEven)
  const [found = { delimiter: ',' }, ...others] = even.length > 0 ? even : several
  if (others.length === 0) return found.delimiter
  const names = [found, ...others].map(({ delimiter }) => (delimiter === '\t' ? 'tab' : JSON.stringify(delimiter)))
  const sentence = `${source.name}: its cells may be separated by ${names.join(' or ')}; give --delimiter.`
  throw new EventSystemError('invalid_argument', sentence)
}

/** None where a file with this delimiter is no CSV: another one may fit. */
async function widthsOf(source: Source, delimiter: string): Promise<number[]> {
  try {
    return (await firstRows(source, delimiter)).map((row) => row.length)
  } catch (error) {
    if (error instanceof EventSystemError && error.cause instanceof CsvError) return []
    throw error
  }
}

/** What is wrong with the quotation marks or the size of a record, and where. `last` is the line on which the last good record ends. */
function noCsv(source: Source, cause: CsvError, last: number): EventSystemError {
  const { code, lines } = cause as CsvError & { readonly lines?: number }
  const after = `the row that begins in line ${last + 1}`
  const double = 'put the cell into quotation marks and double each one in it'
  const sentences: Readonly<Record<string, string>> = {
    CSV_QUOTE_NOT_CLOSED: `${after} opens a quotation mark that nothing closes: close it, or ${double}`,
    CSV_MAX_RECORD_SIZE: `${after} has more than ${MAX_RECORD_BYTES} bytes: a quotation mark may not be closed, or this is no CSV`,
    INVALID_OPENING_QUOTE: `line ${lines} has a quotation mark inside of a cell: ${double}`,
    CSV_INVALID_CLOSING_QUOTE: `line ${lines} has text behind the quotation mark that closes a cell: ${double}`,
    CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: `line ${lines} has text behind the quotation mark that closes a cell: ${double}`
  }
  const sentence = `${source.name} is no CSV that can be read: ${sentences[code] ?? cause.message}.`
  return new EventSystemError('invalid_argument', sentence, { cause })
}
