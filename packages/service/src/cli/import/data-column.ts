import { EventSystemError, type JsonValue, schemaOf } from '@tradpal/events'
import { exactNumber, requiredNumber } from './numbers.ts'

/** What a field must be: as the schema of the type says, or as the column turns out. */
type Wanted = 'number' | 'text' | 'either'

/**
 * A column that becomes a field of the data. It has one kind for the whole file: it is first shown every cell, and is of
 * numbers only when a number says all that each of them does.
 */
export class DataColumn {
  readonly field: string
  readonly name: string
  readonly index: number
  readonly #wanted: Wanted
  #isNumeric = true
  #isEmpty = true

  constructor(place: { readonly field: string; readonly name: string; readonly index: number }, wanted: Wanted) {
    this.field = place.field
    this.name = place.name
    this.index = place.index
    this.#wanted = wanted
  }

  /** Takes a cell into account. Once one has been read, no more are shown. */
  note(text: string): void {
    if (text === '') return
    this.#isEmpty = false
    if (this.#wanted === 'either' && this.#isNumeric) this.#isNumeric = exactNumber(text) !== undefined
  }

  get kind(): 'number' | 'text' {
    if (this.#wanted !== 'either') return this.#wanted
    return this.#isNumeric && !this.#isEmpty ? 'number' : 'text'
  }

  /** Throws `invalid_data` and `not_representable`. */
  read(text: string): JsonValue {
    if (this.kind === 'text') return text
    return (this.#wanted === 'number' ? this.#required(text) : exactNumber(text)) as number | bigint
  }

  #required(text: string): number | bigint {
    try {
      const value = requiredNumber(text)
      if (value !== undefined) return value
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      const sentence = `${text} cannot be kept exactly as a number, which ${this.field} must be: round it in the file, or import the column into another field with --map.`
      throw this.#wrong('not_representable', sentence)
    }
    const sentence = `${JSON.stringify(text)} is no number such as 1234.5, which ${this.field} must be: ${helpWith(text)}.`
    throw this.#wrong('invalid_data', sentence)
  }

  #wrong(code: 'invalid_data' | 'not_representable', sentence: string): EventSystemError {
    return new EventSystemError(code, `column ${this.name}: ${sentence}`, { pointer: `/data/${this.field}` })
  }
}

/** What would be right in place of a cell that is no number. */
function helpWith(text: string): string {
  if (/^[+-]?(?:nan|null|none|n\/a|na|nil|-|#n\/a)$/i.test(text)) return 'leave the cell empty where there is no value'
  if (/^[+-]?inf(?:inity)?$/i.test(text))
    return 'JSON has no infinity; leave the cell empty, or pass over such rows with --skip-invalid'
  const [, integer, decimals] = /^([+-]?(?:\d{1,3}(?:[. ]\d{3})+|\d+)),(\d+)$/.exec(text) ?? []
  if (integer !== undefined) {
    const asDecimal = `${integer.replace(/[. ]/g, '')}.${decimals}`
    return /^[+-]?\d{1,3},\d{3}$/.test(text)
      ? `write it as ${integer}${decimals} if the comma separates thousands, or as ${asDecimal} if it is a decimal comma`
      : `write a point for the decimal comma, and no separators of thousands: ${asDecimal}`
  }
  return 'write a point for the decimal comma, no separators of thousands, and nothing where there is no value'
}

/** What the schema of a type says of a field: a symbol of digits stays text. */
export function wantedOf(eventType: string, field: string): Wanted {
  const { properties } = schemaOf(eventType) as { properties?: Record<string, { type?: string | string[] }> }
  const types = [(Object.hasOwn(properties ?? {}, field) ? properties?.[field]?.type : undefined) ?? []].flat()
  if (types.includes('number') || types.includes('integer')) return types.includes('string') ? 'either' : 'number'
  return types.includes('string') ? 'text' : 'either'
}
