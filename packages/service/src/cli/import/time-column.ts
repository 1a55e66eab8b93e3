import { EventSystemError } from '@tradpal/events'
import {
  clearUnitOf,
  EPOCH,
  epochReading,
  isCompactTime,
  type ReadTime,
  readingOfOptions,
  TIME_UNITS,
  type TimeOptions,
  type TimeReading,
  type TimeUnit,
  writtenReading
} from './times.ts'

/** A day without a time: 2024-01-31, 20240131, 31 Jan 2024. */
const DAY = /^(?:\d{8}|\d{4}([-/.])\d{1,2}\1\d{1,2}|[^:]*[A-Za-z]{3}[^:]*)$/

interface Seen {
  readonly line: number
  readonly text: string
}

/** The column of the events' times: it is first shown every cell, and then reads each in the one way that fits them all. */
export class TimeColumn {
  readonly name: string
  readonly index: number
  readonly #options: TimeOptions
  readonly #units = new Map<TimeUnit, Seen>()
  #first: Seen | undefined
  #allCounts = true
  #allCompact = true
  #allDays = true
  #reading: TimeReading | undefined

  /** Throws `invalid_options`. */
  constructor(name: string, index: number, options: TimeOptions) {
    this.name = name
    this.index = index
    this.#options = options
    this.#reading = readingOfOptions(options)
  }

  /** Takes a cell into account. Once one has been read, no more are shown. */
  note(text: string, line: number): void {
    if (text === '') return
    this.#first ??= { text, line }
    this.#allDays &&= DAY.test(text)
    if (this.#reading !== undefined) return
    this.#allCompact &&= isCompactTime(text)
    this.#allCounts &&= EPOCH.test(text)
    const unit = this.#allCounts ? clearUnitOf(text) : undefined
    if (unit !== undefined && !this.#units.has(unit)) this.#units.set(unit, { text, line })
  }

  /** Settles how the cells are read. Throws `invalid_data` when they are counts whose unit is not clear, and `invalid_options`. */
  decide(): void {
    this.#decided()
  }

  /** Whether no cell says a time of the day. */
  get hasDaysAlone(): boolean {
    return this.#allDays && this.#first !== undefined
  }

  /** How the cells are read, for people. */
  get description(): string {
    return this.#decided().description
  }

  /** Throws `invalid_data` for a cell that is empty or wrong. */
  read(text: string): ReadTime {
    if (text === '') {
      const sentence = `column ${this.name} is empty: an event needs its time. Fill it in, or pass over such rows with --skip-invalid.`
      throw wrong(sentence)
    }
    const { read } = this.#decided()
    try {
      return read(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw wrong(`column ${this.name}: ${JSON.stringify(text)} ${error.message}.`)
    }
  }

  #decided(): TimeReading {
    this.#reading ??= this.#decide()
    return this.#reading
  }

  #decide(): TimeReading {
    if (this.#first === undefined || !this.#allCounts || this.#allCompact) return writtenReading(this.#options)
    if (this.#options.timeZone !== undefined) {
      const sentence = `column ${this.name} counts from 1970 in UTC, which needs no --time-zone: leave it out.`
      throw new EventSystemError('invalid_options', sentence)
    }
    const [one, other] = [...this.#units]
    const wayOut = `give --time-unit ${TIME_UNITS.join(', ')}`
    if (one === undefined) {
      const { text, line } = this.#first
      throw wrong(
        `Line ${line}, column ${this.name}: ${text} does not show whether it counts seconds or parts of them: ${wayOut}.`
      )
    }
    if (other !== undefined) {
      const [[unit, first], [otherUnit, second]] = [one, other]
      const sentence = `Line ${second.line}, column ${this.name}: ${second.text} looks like ${otherUnit} and ${first.text} in line ${first.line} like ${unit}`
      throw wrong(`${sentence}: split the file, or if the column has one unit ${wayOut}.`)
    }
    return epochReading(one[0])
  }
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_data', sentence, { pointer: '/timestamp' })
}
