import type { EventClient } from '@tradpal/event-client'
import { EventSystemError } from '@tradpal/events'
import { CsvFile, type CsvOptions } from './csv-file.ts'
import type { ImportInput } from './plan.ts'
import { ndjsonRows } from './rows.ts'
import type { Source } from './source.ts'

export interface InputOptions extends CsvOptions {
  readonly format?: 'ndjson' | 'csv'
  readonly skipInvalid?: boolean
}

interface Asked {
  readonly client: EventClient
  readonly path: string
  readonly source: Source
  readonly options: InputOptions
  readonly signal: AbortSignal
}

/** The input that a command names, and of a CSV its columns. */
export interface Input {
  readonly input: ImportInput
  readonly csv: CsvFile | undefined
}

const OF_CSV = [
  ...(['preset', 'symbol', 'type', 'map', 'text', 'header', 'delimiter'] as const),
  ...(['timeUnit', 'timeFormat', 'timeZone'] as const)
]

/** Opens the input of an import. Throws `invalid_argument`, `invalid_options`, and `invalid_data` for a column that can be read in several ways. */
export async function inputOf({ client, path, source, options, signal }: Asked): Promise<Input> {
  const { skipInvalid = false, format = await formatOf(path, source) } = options
  const common = { client, skipInvalid, signal, assertUnchanged: () => source.assertUnchanged() }
  if (format === 'csv') {
    const csv = await CsvFile.open(source, options, signal)
    const columnOf = (field: string) => csv.columns.find((column) => column.field === field)?.name
    return { csv, input: { ...common, origin: csv.layout.preset ?? 'csv', rows: () => csv.rows(), columnOf } }
  }
  const wrong = OF_CSV.find((name) => options[name] !== undefined)
  if (wrong !== undefined) {
    const option = wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new EventSystemError('invalid_options', `--${option} is for CSV: give --format csv with it, or leave it out.`)
  }
  const rows = () => ndjsonRows(source, options.source)
  return { csv: undefined, input: { ...common, origin: 'ndjson', rows, columnOf: () => undefined } }
}

/** By the name of the file, else by its first character: NDJSON begins with a bracket. */
async function formatOf(path: string, source: Source): Promise<'ndjson' | 'csv'> {
  const [, extension] = /\.(csv|tsv|ndjson|jsonl|json)(?:\.gz)?$/i.exec(path) ?? []
  if (extension !== undefined) return /csv|tsv/i.test(extension) ? 'csv' : 'ndjson'
  for await (const chunk of source.bytes()) {
    const start = Buffer.from(chunk).toString('utf8').trimStart()
    if (start !== '') return /^\ufeff?\s*[[{]/.test(start) ? 'ndjson' : 'csv'
  }
  return 'ndjson'
}
