import { EventSystemError, isJsonObject, type JsonValue, parseJson, stringifyJson } from '@tradpal/events'
import { printableJson, steersTerminal } from '../terminal-text.ts'

/** A cell as it is read: its text, or the text that stood in quotation marks. */
export type Cell = string | { readonly quoted: string }

/** A text that a spreadsheet reads as a number. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
/** Spreadsheets run a cell that begins with one of these, the full-width forms included. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/
/** Where a semicolon separates cells, as in many countries, a comma does not, and a cell may begin inside of a text. */
const FORMULA_BEHIND_SEMICOLON = /(?<=;[\s"'\\]*)[=+\-@\uff1d\uff0b\uff0d\uff20]/g
const REPLACEMENT_CHARACTER = '\ufffd'
/** What JSON reads as a value that is neither a text nor an object nor an array. */
const SCALAR = /^(?:null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/

/**
 * Values as one line of CSV (RFC 4180), ended. {@link valueOfCell} reads each cell back as the same value. An undefined value
 * is an empty cell. Numbers, `null`, `true` and `false` stand as they are, and a text that looks like one of them stands
 * in quotation marks, as an empty text does. An object or an array is its JSON. A text that a spreadsheet would run, that would
 * steer a terminal, or that UTF-8 cannot carry is its JSON string.
 */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\n`
}

/** The value that a cell of {@link csvLine} holds; undefined for an empty one. Throws `not_representable` for a number that would be changed. */
export function valueOfCell(cell: Cell): JsonValue | undefined {
  if (typeof cell === 'string') {
    if (cell === '') return undefined
    // Only inside of a document a number is checked.
    if (SCALAR.test(cell)) return (parseJson(`[${cell}]`) as [JsonValue])[0]
    return jsonOf(cell) ?? cell
  }
  return jsonOf(cell.quoted) ?? cell.quoted
}

/** The text of a cell, quotation marks or not. */
export function textOfCell(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.quoted
}

function cell(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'object' && value !== null) return quotedIfNeeded(inert(value))
  if (typeof value !== 'string') return stringifyJson(value)
  if (needsEscapes(value)) return quotedIfNeeded(inert(value))
  return value === '' || SCALAR.test(value) ? `"${value}"` : quotedIfNeeded(value)
}

function quotedIfNeeded(text: string): string {
  return /[",]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

function needsEscapes(text: string): boolean {
  if (text.startsWith('"') || steersTerminal(text)) return true
  if (!text.isWellFormed() || text.includes(REPLACEMENT_CHARACTER)) return true
  if ((FORMULA.test(text) && !NUMBER.test(text)) || text.search(FORMULA_BEHIND_SEMICOLON) !== -1) return true
  return jsonOf(text) !== undefined
}

/** The text, object or array that a text is the JSON of, if of any. */
function jsonOf(text: string): JsonValue | undefined {
  if (!/^["[{]/.test(text)) return undefined
  try {
    const value = parseJson(text)
    const isHeld = typeof value === 'string' || Array.isArray(value) || isJsonObject(value)
    return isHeld ? (value as JsonValue) : undefined
  } catch (error) {
    if (error instanceof EventSystemError) return undefined
    throw error
  }
}

/** Such JSON begins with a quotation mark or a bracket, and so is no formula. */
function inert(value: unknown): string {
  return printableJson(value).replace(FORMULA_BEHIND_SEMICOLON, escaped).replaceAll(REPLACEMENT_CHARACTER, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The value at a path such as `data.symbol`. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined
    return (inner as Record<string, unknown>)[key]
  }, value)
}
