import { EventSystemError, resolveEventType, schemaOf } from '@tradpal/events'
import { isExportHead } from '../export-columns.ts'
import { delimiterOf, firstRows } from './csv-records.ts'
import { isHead, PRESETS, type Preset, type PresetName, presetOf } from './presets.ts'
import type { Source } from './source.ts'
import { EPOCH } from './times.ts'

/** What the caller says of a CSV. */
export interface LayoutOptions {
  readonly preset?: PresetName
  readonly delimiter?: string
  /** The names of the columns of a file that has no header. */
  readonly header?: readonly string[]
  /** Field to column: `{symbol: 'Ticker', price: 'Close'}`. */
  readonly map?: Readonly<Record<string, string>>
  readonly type?: string
  /** The symbol of every row. */
  readonly symbol?: string
}

/** Where a field is in a row. */
export interface Place {
  readonly field: string
  readonly name: string
  readonly index: number
  /** Of a time in two columns: where the time of the day is. */
  readonly clockIndex?: number
}

/** How a CSV is laid out. */
export interface Layout {
  readonly delimiter: string
  /** Whether `export` wrote it: then its columns say themselves what they are. */
  readonly isExport: boolean
  readonly preset: PresetName | undefined
  readonly names: readonly string[]
  readonly hasHeader: boolean
  readonly places: readonly Place[]
  /** Cells that stand for no value, beside the empty one. */
  readonly empty: readonly string[]
}

/** Parts of an event that only the columns of an export fill. */
const EVENT_PARTS: readonly string[] = ['event_type', 'message_id', 'data', 'metadata']
const DEFAULT_TYPE = 'market_data_update'
/** A cell of a row, and no name of a column. */
const VALUE = /^$|^[+-]?\.?\d/

/** Reads the first rows of a CSV and says how the whole is laid out. Throws `invalid_argument` and `invalid_options`. */
export async function layoutOf(source: Source, options: LayoutOptions): Promise<Layout> {
  const delimiter = options.delimiter ?? (await delimiterOf(source))
  const rows = await firstRows(source, delimiter)
  const [first = []] = rows
  mustBeginTable(source, rows)
  const common = { delimiter, preset: undefined, empty: [] }
  if (isExportHead(first)) return exportLayout(first, options, common)
  const name =
    options.preset ?? (options.map === undefined && options.header === undefined ? presetOf(rows) : undefined)
  if (name !== undefined) return presetLayout(source, name, first, options, common)
  const names = options.header ?? first
  if (names.length !== first.length) {
    const sentence = `--header has ${count(names.length, 'name')} and the first row of ${source.name} ${count(first.length, 'cell')}.`
    throw new EventSystemError('invalid_options', sentence)
  }
  if (options.header === undefined && options.map === undefined) mustBeNames(source, names, typeOf(options))
  const map = options.map ?? Object.fromEntries(names.map((column) => [column, column]))
  const places = Object.entries(map).map(([field, column]) =>
    field === 'timestamp' ? timePlaceOf(source, names, column) : placeOf(source, names, field, column)
  )
  mustSuffice(source, names, places, options)
  return { ...common, isExport: false, names, hasHeader: options.header === undefined, places }
}

/** The type of the events of a CSV that names none. */
export function typeOf({ type = DEFAULT_TYPE }: LayoutOptions): string {
  return resolveEventType(type)
}

type Common = Pick<Layout, 'delimiter' | 'preset' | 'empty'>

function exportLayout(head: readonly string[], options: LayoutOptions, common: Common): Layout {
  const wrong = (['map', 'preset', 'header', 'symbol'] as const).find((name) => options[name] !== undefined)
  if (wrong !== undefined) {
    const sentence = `--${wrong} is not for a file that export wrote: its columns say what they are. Leave it out.`
    throw new EventSystemError('invalid_options', sentence)
  }
  for (const part of ['timestamp', 'event_type']) {
    if (head.includes(part) || (part === 'event_type' && options.type !== undefined)) continue
    const wayOut = part === 'event_type' ? 'give --type, or export that column too' : 'export that column too'
    throw new EventSystemError('invalid_argument', `The file was exported without the column ${part}: ${wayOut}.`)
  }
  const places = head.map((name, index) => ({ field: name, name, index }))
  return { ...common, isExport: true, names: head, hasHeader: true, places }
}

function presetLayout(
  source: Source,
  name: PresetName,
  first: readonly string[],
  options: LayoutOptions,
  common: Common
): Layout {
  const given = (['map', 'header'] as const).find((option) => options[option] !== undefined)
  if (given !== undefined) {
    const sentence = `--preset names the columns itself: give it or --${given}.`
    throw new EventSystemError('invalid_options', sentence)
  }
  const preset: Preset = PRESETS[name]
  const hasHeader = preset.columns === undefined || isHead(first, preset.columns)
  const names = preset.columns ?? first
  if (names.length !== first.length) {
    const sentence = `${source.name} has ${count(first.length, 'column')}, and files of --preset ${name} have ${names.length}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  const places = Object.entries(preset.map).flatMap(([field, columns]) => {
    const candidates = [columns].flat()
    const column = candidates.find((candidate) => names.includes(candidate)) ?? (candidates[0] as string)
    const isLacking = !names.includes(column) && preset.optional?.includes(column)
    return isLacking ? [] : [placeOf(source, names, field, column)]
  })
  mustSuffice(source, names, places, options)
  return { ...common, isExport: false, preset: name, names, hasHeader, places, empty: preset.empty ?? [] }
}

/** `DATE+TIME` are two columns, unless one has this name. */
function timePlaceOf(source: Source, names: readonly string[], column: string): Place {
  const plus = column.indexOf('+')
  if (plus === -1 || names.includes(column)) return placeOf(source, names, 'timestamp', column)
  const [day, clock] = [column.slice(0, plus), column.slice(plus + 1)].map((name) =>
    placeOf(source, names, 'timestamp', name.trim())
  ) as [Place, Place]
  return { field: 'timestamp', name: `${day.name}+${clock.name}`, index: day.index, clockIndex: clock.index }
}

function placeOf(source: Source, names: readonly string[], field: string, column: string): Place {
  const index = names.indexOf(column)
  const named = JSON.stringify(column)
  if (index === -1) {
    throw new EventSystemError('invalid_argument', `${source.name} has no column ${named}; it has ${listed(names)}.`)
  }
  const other = names.indexOf(column, index + 1)
  if (other !== -1) {
    const sentence = `${source.name} has two columns ${named}, the ${ordinal(index)} and the ${ordinal(other)}: rename one of them, or take others with --map.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  return { field, name: column, index }
}

/** Some files have a line above the header, such as the address of the source or `sep=;` of a spreadsheet. */
function mustBeginTable(source: Source, [first = [], ...rows]: readonly (readonly string[])[]): void {
  const width = rows[0]?.length ?? 0
  const isTitle = first.length === 1 || /^(?:sep=|#)/i.test(first[0] as string)
  if (!isTitle || first.length >= width || rows.some((row) => row.length !== width)) return
  const sentence = `The first line of ${source.name} has ${count(first.length, 'cell')} and the next have ${width}: remove what stands above the header, as in tail -n +2 FILE | tradpal-events import -`
  throw new EventSystemError('invalid_argument', `${sentence}.`)
}

function mustBeNames(source: Source, names: readonly string[], type: string): void {
  const { properties = {} } = schemaOf(type) as { properties?: Record<string, unknown> }
  const almost = names.find((name) => {
    const field = name.toLowerCase()
    return field !== name && Object.hasOwn(properties, field) && !names.includes(field)
  })
  if (almost !== undefined) {
    const field = almost.toLowerCase()
    const sentence = `The column ${almost} of ${source.name} is not the field ${field}: rename it, or give --map ${field}=${almost} with the other fields.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  const index = names.findIndex((name) => VALUE.test(name) || EPOCH.test(name))
  if (index === -1) return
  const cell = names[index] as string
  const what =
    cell === ''
      ? `has no name for the ${ordinal(index)} column`
      : `has ${JSON.stringify(cell)}, which looks like a value`
  const sentence = `The first line of ${source.name} ${what}: for a file without a header give --preset or --header, else name the columns to take with --map.`
  throw new EventSystemError('invalid_argument', sentence)
}

function mustSuffice(source: Source, names: readonly string[], places: readonly Place[], options: LayoutOptions): void {
  const fields = places.map(({ field }) => field)
  const part = fields.find((field) => EVENT_PARTS.includes(field))
  if (part !== undefined) {
    const sentence = `The column ${part} of ${source.name} is a part of an event: name the other columns as export does, such as data.symbol, or choose columns with --map.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  if (!fields.includes('timestamp')) {
    const other = names.length === 1 ? ' alone: if another character separates cells, give --delimiter' : ''
    const sentence = `No column of ${source.name} is the time of the events: give --map timestamp=COLUMN with the other fields; it has ${listed(names)}${other}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  if (options.symbol !== undefined && fields.includes('symbol')) {
    const sentence =
      '--symbol and a column of symbols contradict each other: leave --symbol out, or the column with --map.'
    throw new EventSystemError('invalid_options', sentence)
  }
  const { required = [] } = schemaOf(typeOf(options)) as { required?: readonly string[] }
  if (required.includes('symbol') && options.symbol === undefined && !fields.includes('symbol')) {
    const sentence = `No column of ${source.name} is the symbol: give --symbol, or --map symbol=COLUMN; it has ${listed(names)}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
}

function listed(names: readonly string[]): string {
  return names.map((name) => name || '(no name)').join(', ')
}

function ordinal(index: number): string {
  const place = index + 1
  const ending = place % 100 > 10 && place % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th')
  return `${place}${ending}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
