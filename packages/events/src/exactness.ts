import { EventSystemError } from './errors.ts'

/** How deep data and metadata may nest. */
const MAX_DEPTH = 128

/**
 * Throws `not_representable` for what JSON.stringify would change in silence, with the pointer of the value: NaN and the
 * infinities (null), undefined, functions and symbols (left out), dates, maps and other instances (something else), a
 * cycle, nesting over 128 levels. -0 passes, and is written as 0, which is equal to it.
 */
export function mustBeJson(value: unknown, pointer: string, depth = 0): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      throw refuse(pointer, `is ${value}, which JSON cannot say; leave it out or send null`)
    case 'object':
      if (value === null) return
      if (depth > MAX_DEPTH) throw refuse(pointer, `is nested over ${MAX_DEPTH} levels deep, or contains itself`)
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) mustBeJson(value[i], `${pointer}/${i}`, depth + 1)
        return
      }
      mustBePlain(value, pointer)
      for (const key in value) mustBeJsonProperty(value as Record<string, unknown>, key, pointer, depth)
      return
    case 'undefined':
      throw refuse(pointer, 'is undefined, which JSON cannot say; leave it out or send null')
    default:
      throw refuse(pointer, `is a ${typeof value}, which JSON cannot say`)
  }
}

/** Primitives are the most of what there is: they are looked at without making their pointer. */
function mustBeJsonProperty(object: Record<string, unknown>, key: string, pointer: string, depth: number): void {
  const value = object[key]
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return
  if (typeof value === 'number' && Number.isFinite(value)) return
  mustBeJson(value, `${pointer}/${escapePointer(key)}`, depth + 1)
}

function mustBePlain(value: object, pointer: string): void {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw refuse(
      pointer,
      `is a ${value.constructor?.name || 'class instance'}; send a plain object, or for a Date its text`
    )
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function')
    throw refuse(pointer, 'has a toJSON method; send what it returns')
}

/**
 * A text in which some number may not survive: an integer of 16 digits or more, 18 significant digits, an exponent of 3
 * digits. It finds a few innocent ones too (an id in a string); {@link parseExactly} then looks closely.
 */
const SUSPICIOUS_NUMBER = /(?<![\d.])\d{16}|[1-9](?:\.?\d){17}|\d[eE][-+]?\d{3}/

/** JSON.parse that throws `not_representable` where a number of the text would become another, and `invalid_json`. */
export function parseJson(text: string): unknown {
  try {
    return SUSPICIOUS_NUMBER.test(text) ? parseExactly(text) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof EventSystemError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_json', `The text is not JSON: ${reason}.`, { cause })
  }
}

/** Stands in the parsed value where a number did not survive. */
class Changed {
  readonly literal: string
  constructor(literal: string) {
    this.literal = literal
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) => unknown

function parseExactly(text: string): unknown {
  let changed = false
  const reviver: Reviver = (_key, value, context) => {
    const literal = context?.source
    if (typeof value !== 'number' || literal === undefined || survives(literal, value)) return value
    changed = true
    return new Changed(literal)
  }
  const value = JSON.parse(text, reviver)
  if (changed) throwAtChanged(value, '')
  return value
}

/** Whether a number still says what its literal said. */
function survives(literal: string, value: number): boolean {
  if (/^-?\d+$/.test(literal)) return Number.isSafeInteger(value) || literal.endsWith('9007199254740992')
  if (!Number.isFinite(value)) return false
  const digits = significantDigits(literal)
  if (value === 0) return digits === ''
  // A double printed to more digits than it needs (C's "%.20f") is that double still.
  return digits.length > 100 || significantDigits(value.toPrecision(Math.max(1, digits.length))) === digits
}

/** The digits of a decimal literal from the first that is not 0 to the last. */
function significantDigits(literal: string): string {
  return literal
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '')
}

function throwAtChanged(value: unknown, pointer: string): void {
  if (value instanceof Changed) {
    throw refuse(pointer, `is ${value.literal.slice(0, 60)}, which a double cannot hold exactly; send it as a string`)
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) throwAtChanged(child, `${pointer}/${escapePointer(key)}`)
}

/** RFC 6901, section 3. */
function escapePointer(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

function refuse(pointer: string, what: string): EventSystemError {
  return new EventSystemError(
    'not_representable',
    `${pointer === '' ? 'The value' : pointer.slice(1).replaceAll('/', '.')} ${what}.`,
    {
      pointer
    }
  )
}
