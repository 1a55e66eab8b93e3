import { EventSystemError } from './errors.ts'
import { below, pathOf } from './json-pointer.ts'

// A double keeps every number of 15 digits and an exponent of two digits: a text without a longer one is safe, which
// is what nearly every text is. Texts inside of strings may match too; the scan below tells them apart.
const SUSPECT = /[:,[ \n\r\t]-?\d(?:(?:\.?\d){15}|[\d.]*[eE][-+]?\d{3})/
const NUMBERS = /[:,[ \n\r\t](-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/g
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y
const INTEGER = /^-?\d+$/
// The longest expansion of a double, 5e-324 to its last digit, has 1,076 characters.
const LONGEST_DECIMAL = 1100
/** An integer may have this many digits at most, as for Python. Reading a longer one takes quadratic time. */
export const MAX_INTEGER_DIGITS = 4_300

/**
 * Checks that reading a JSON text changed none of its numbers: a decimal with more digits than a double keeps, a number
 * beyond its range, an integer of more than {@link MAX_INTEGER_DIGITS}. Takes text that JSON.parse has read. Throws
 * `not_representable` with the pointer of the first one.
 */
export function assertExactText(text: string): void {
  if (!SUSPECT.test(text)) return
  NUMBERS.lastIndex = 0
  for (let match = NUMBERS.exec(text); match !== null; match = NUMBERS.exec(text)) {
    if (survivesReading(match[1] as string)) continue
    const found = findRounded(text)
    if (found !== undefined) throw rounded(found)
    return
  }
}

/**
 * Whether reading keeps a literal. An integer is kept digit by digit. A decimal is kept when a double, printed with as
 * many significant digits as the literal has, is the same number: what C's `%.20f` prints of a double passes, and a
 * longer decimal that no double holds does not.
 */
export function survivesReading(literal: string): boolean {
  if (INTEGER.test(literal)) return digitsOf(literal) <= MAX_INTEGER_DIGITS
  if (literal.length > LONGEST_DECIMAL) return false
  const value = Number(literal)
  if (String(value) === literal) return true
  const wanted = significantDigits(literal)
  if (wanted === '') return true
  // toExponential prints up to 101 digits, exactly.
  if (!Number.isFinite(value) || wanted.length > 101) return false
  return significantDigits(value.toExponential(wanted.length - 1)) === wanted
}

/** How many digits an integer has. */
export function digitsOf(integer: string): number {
  return integer.length - (integer.startsWith('-') ? 1 : 0)
}

/** The digits of a decimal from the first to the last that is not 0; none for zero. */
function significantDigits(decimal: string): string {
  return decimal.replace(/e.*/i, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
}

interface Rounded {
  readonly pointer: string
  readonly literal: string
}

/** Walks the text with the place it is at, without recursion: a text may nest as deep as it likes. */
function findRounded(text: string): Rounded | undefined {
  const path: (string | number)[] = []
  let keyNext = false
  for (let i = 0; i < text.length; ) {
    const char = text[i] as string
    if (char === '"') {
      STRING.lastIndex = i
      const literal = STRING.exec(text)?.[0] ?? '"'
      if (keyNext) path[path.length - 1] = JSON.parse(literal) as string
      keyNext = false
      i += literal.length
      continue
    }
    if (char === '-' || (char >= '0' && char <= '9')) {
      NUMBER.lastIndex = i
      const literal = NUMBER.exec(text)?.[0] ?? char
      if (!survivesReading(literal)) return { pointer: path.reduce<string>(below, ''), literal }
      i += literal.length
      continue
    }
    if (char === '{' || char === '[') {
      path.push(char === '{' ? '' : 0)
      keyNext = char === '{'
    } else if (char === '}' || char === ']') {
      path.pop()
      keyNext = false
    } else if (char === ',') {
      const place = path.at(-1)
      keyNext = typeof place === 'string'
      if (typeof place === 'number') path[path.length - 1] = place + 1
    }
    i++
  }
  return undefined
}

function rounded({ pointer, literal }: Rounded): EventSystemError {
  const short = literal.length > 60 ? `${literal.slice(0, 57)}...` : literal
  const reason = INTEGER.test(literal)
    ? `an integer of ${digitsOf(literal)} digits, and ${MAX_INTEGER_DIGITS} are the most`
    : `which a JavaScript number would change to ${Number(literal)}`
  const sentence = `${pathOf(pointer) || 'The value'} is ${short}, ${reason}: send it as text.`
  return new EventSystemError('not_representable', sentence, { pointer })
}
