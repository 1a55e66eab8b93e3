import { printableJson, steersTerminal } from '../terminal-text.ts'

/** A text that a spreadsheet reads as a number. */
export const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
/** Spreadsheets run a cell that begins with one of these, the full-width forms included. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/
/** Where a semicolon separates cells, as in many countries, a comma does not, and a cell may begin inside of a text. */
const FORMULA_BEHIND_SEMICOLON = /(?<=;[\s"'\\]*)[=+\-@\uff1d\uff0b\uff0d\uff20]/g
const REPLACEMENT_CHARACTER = '\ufffd'

/**
 * Values as one line of CSV (RFC 4180), ended. An undefined value is an empty cell, and an object is its JSON. A text that a
 * spreadsheet would run, that would steer a terminal, or that UTF-8 cannot carry is its JSON string, quotation marks included:
 * {@link textOfCell} reads it back.
 */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\n`
}

/** The text that a cell holds, and whether the cell says that it is text and no number. */
export function textOfCell(cell: string): { readonly text: string; readonly isText: boolean } {
  if (cell.startsWith('"')) {
    try {
      const text: unknown = JSON.parse(cell)
      if (typeof text === 'string') return { text, isText: true }
    } catch {
      // Other programs write texts that begin with a quotation mark, too.
    }
  }
  return { text: cell, isText: false }
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const isJson = typeof value === 'object' || (typeof value === 'string' && needsEscapes(value))
  const text = isJson ? inert(value) : String(value)
  return /[",]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

function needsEscapes(text: string): boolean {
  if (text.startsWith('"') || steersTerminal(text)) return true
  if (!text.isWellFormed() || text.includes(REPLACEMENT_CHARACTER)) return true
  return (FORMULA.test(text) && !NUMBER.test(text)) || text.search(FORMULA_BEHIND_SEMICOLON) !== -1
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
    return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined
  }, value)
}
