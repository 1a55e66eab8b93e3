import { EventSystemError, type JsonObject, type JsonValue } from '@tradpal/events'
import { type Cell, textOfCell, valueOfCell } from '../csv.ts'
import { csvRecords } from './csv-records.ts'
import { DataColumn, wantedOf } from './data-column.ts'
import { type Layout, type LayoutOptions, layoutOf, type Place, typeOf } from './layout.ts'
import type { ReadRow, Row, RowContent } from './rows.ts'
import type { Source } from './source.ts'
import { TimeColumn } from './time-column.ts'
import type { TimeOptions } from './times.ts'

export interface CsvOptions extends LayoutOptions, TimeOptions {
  /** Columns that stay text, whatever their cells look like. */
  readonly text?: readonly string[]
  readonly source?: string
}

/** A column and what becomes of it. */
export interface PlannedColumn {
  readonly name: string
  readonly field: string
  readonly kind: string
}

/** A part of the event itself that a column may be; any other field is of the data. */
const PARTS: readonly string[] = ['event_id', 'source']

/** A CSV whose columns are known: their names, and the one kind that each has. */
export class CsvFile {
  readonly layout: Layout
  readonly #source: Source
  readonly #options: CsvOptions
  readonly #time: TimeColumn | undefined
  /** The column of the time of the day, where the time is in two. */
  readonly #clockIndex: number | undefined
  readonly #data: readonly DataColumn[]
  readonly #parts: readonly Place[]
  #emptyRows = 0

  private constructor(source: Source, layout: Layout, options: CsvOptions) {
    this.layout = layout
    this.#source = source
    this.#options = options
    const { places, isExport, names } = layout
    const time = places.find(({ field }) => field === 'timestamp')
    this.#time = time && new TimeColumn(time.name, time.index, isExport ? {} : options)
    this.#clockIndex = time?.clockIndex
    this.#parts = places.filter(({ field }) => PARTS.includes(field))
    const text = options.text ?? []
    const unknown = text.find((name) => !names.includes(name))
    if (unknown !== undefined) {
      const sentence = `--text: ${source.name} has no column ${JSON.stringify(unknown)}; it has ${names.join(', ')}.`
      throw new EventSystemError('invalid_options', sentence)
    }
    const type = isExport ? undefined : typeOf(options)
    this.#data = places
      .filter((place) => place !== time && !PARTS.includes(place.field) && type !== undefined)
      .map((place) => new DataColumn(place, text.includes(place.name) ? 'text' : wantedOf(type as string, place.field)))
  }

  /**
   * Reads the file once to learn its columns. Throws `invalid_argument` and `invalid_options`, and `invalid_data` for times
   * that can be read in several ways.
   */
  static async open(source: Source, options: CsvOptions, signal: AbortSignal): Promise<CsvFile> {
    const layout = await layoutOf(source, options)
    const file = new CsvFile(source, layout, options)
    if (!layout.isExport) await file.#learn(signal)
    return file
  }

  /** The columns that are imported, in the order of the file. */
  get columns(): PlannedColumn[] {
    if (this.layout.isExport) return this.layout.places.map(({ name, field }) => ({ name, field, kind: 'as exported' }))
    const time = this.#time as TimeColumn
    const planned = [
      { index: time.index, name: time.name, field: 'timestamp', kind: `time: ${time.description}` },
      ...this.#parts.map((part) => ({ ...part, kind: 'text' })),
      ...this.#data.map(({ index, name, field, kind }) => ({ index, name, field, kind }))
    ]
    return planned.toSorted((a, b) => a.index - b.index).map(({ name, field, kind }) => ({ name, field, kind }))
  }

  /** How many rows without any value the last pass passed over. */
  get emptyRows(): number {
    return this.#emptyRows
  }

  /** A new pass over the rows. */
  async *rows(): AsyncGenerator<Row> {
    for await (const { line, cells } of this.#records()) {
      yield { line, read: () => (this.layout.isExport ? this.#exported(cells) : this.#read(cells as string[])) }
    }
  }

  async *#records() {
    const { delimiter, isExport, hasHeader } = this.layout
    this.#emptyRows = 0
    let isHead = hasHeader
    for await (const record of csvRecords(this.#source, { delimiter, quotes: isExport })) {
      if (isHead) isHead = false
      else if (this.#isEmpty(record.cells)) this.#emptyRows += 1
      else yield record
    }
  }

  /** Whether a row has no value, or no more than its time and parts of the event. */
  #isEmpty(cells: readonly Cell[]): boolean {
    if (cells.every((cell) => cell === '')) return true
    if (this.layout.isExport || this.#data.length === 0 || cells.length !== this.layout.names.length) return false
    return this.#data.every(({ index }) => this.#cell(cells as string[], index) === '')
  }

  async #learn(signal: AbortSignal): Promise<void> {
    for await (const { line, cells } of this.#records()) {
      signal.throwIfAborted()
      // A row of another width is refused later.
      if (cells.length !== this.layout.names.length) continue
      for (const column of this.#data) column.note(this.#cell(cells as string[], column.index))
      this.#time?.note(this.#timeOf(cells as string[]), line)
    }
    this.#time?.decide()
    this.#mustHaveClock()
  }

  /** Days alone beside a column of times that nobody takes: each event would be moved to midnight. */
  #mustHaveClock(): void {
    const { map, timeFormat } = this.#options
    const clock = this.layout.names.find((name) => /^<?time>?$/i.test(name))
    if (map === undefined || timeFormat !== undefined || clock === undefined || !this.#time?.hasDaysAlone) return
    if (this.#clockIndex !== undefined || this.layout.places.some(({ name }) => name === clock)) return
    const { name } = this.#time
    const sentence = `Column ${name} has days alone, and ${clock} may have the times: give --map timestamp=${name}+${clock} with the other fields, or for days alone --time-format.`
    throw new EventSystemError('invalid_data', sentence, { pointer: '/timestamp' })
  }

  /** As the row says it. Empty where it says none. */
  #timeOf(cells: readonly string[]): string {
    const { index } = this.#time as TimeColumn
    const day = this.#cell(cells, index)
    if (this.#clockIndex === undefined) return day
    const clock = this.#cell(cells, this.#clockIndex)
    return day === '' && clock === '' ? '' : `${day} ${clock}`
  }

  #cell(cells: readonly string[], index: number): string {
    const cell = cells[index] as string
    return this.layout.empty.includes(cell) ? '' : cell
  }

  #read(cells: readonly string[]): ReadRow {
    this.#mustFit(cells)
    const time = this.#time as TimeColumn
    const { timestamp, finer } = time.read(this.#timeOf(cells))
    const { symbol, source = this.layout.preset ?? 'csv' } = this.#options
    const data: Record<string, JsonValue> = {}
    const said: Record<string, string> = {}
    if (symbol !== undefined) put(data, 'symbol', symbol)
    for (const column of this.#data) {
      const text = this.#cell(cells, column.index)
      if (text === '') continue
      put(said, column.field, text)
      put(data, column.field, column.read(text))
    }
    // Of a time that a timestamp does not keep in full the data keep the text.
    if (finer !== '' && !Object.hasOwn(data, 'timestamp')) put(data, 'timestamp', this.#timeOf(cells))
    const parts: Record<string, string> = {}
    for (const { field, index } of this.#parts) if (cells[index] !== '') parts[field] = cells[index] as string
    const content: RowContent = { source, ...parts, event_type: typeOf(this.#options), timestamp, data }
    return { content, identity: { timestamp, finer, symbol, source: content.source, said } }
  }

  #exported(cells: readonly Cell[]): ReadRow {
    this.#mustFit(cells.map(textOfCell))
    const event: Record<string, unknown> = { event_type: this.#options.type, source: this.#options.source ?? 'csv' }
    for (const { field, index, name } of this.layout.places) {
      const value = this.#valueOf(cells[index] as Cell, name)
      const [part = '', ...path] = field.split('.')
      if (value === undefined || part === 'message_id') continue
      if (path.length === 0) put(event, part, value)
      else putAt(event, [part, ...path], value)
    }
    return { content: event }
  }

  #valueOf(cell: Cell, name: string): JsonValue | undefined {
    // What is no data and no metadata is always text.
    if (!/^(?:data|metadata)(?:\.|$)/.test(name)) {
      const value = typeof cell === 'string' && !cell.startsWith('"') ? cell : valueOfCell(cell)
      return value === '' && name !== 'source' ? undefined : value
    }
    try {
      return valueOfCell(cell)
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      const pointer = `/${name.replaceAll('.', '/')}`
      const sentence = `column ${name}: ${textOfCell(cell)} cannot be kept exactly as a number.`
      throw new EventSystemError('not_representable', sentence, { pointer, cause: error })
    }
  }

  #mustFit(cells: readonly string[]): void {
    const { names, hasHeader } = this.layout
    if (cells.length !== names.length) {
      const head = hasHeader ? 'the header' : 'the first row'
      const sentence = `The row has ${cells.length} cells and ${head} ${names.length}.`
      throw new EventSystemError('invalid_data', sentence)
    }
    const index = cells.findIndex((cell) => cell.includes('\uFFFD'))
    if (index === -1) return
    throw new EventSystemError('invalid_data', `column ${names[index]} is not UTF-8: save the file as UTF-8.`)
  }
}

/** Sets a member, also one of a name such as `__proto__`. */
function put(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true })
}

function putAt(object: object, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    put(object, key, value)
    return
  }
  const inner = Object.hasOwn(object, key) ? (object as JsonObject)[key] : undefined
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
  const target = isObject ? inner : {}
  if (!isObject) put(object, key, target)
  putAt(target, rest, value)
}
