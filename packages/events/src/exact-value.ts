import { EventSystemError } from './errors.ts'
import { MAX_INTEGER_DIGITS } from './exact-text.ts'
import { below, pathOf } from './json-pointer.ts'

/** How many objects and arrays may lie one in another, the outermost one included. */
export const MAX_NESTING = 128

/** No bigint of more than MAX_INTEGER_DIGITS is between these. */
const INTEGER_BOUND = 10n ** BigInt(MAX_INTEGER_DIGITS)

/**
 * Checks that JSON can carry a value and give back the same. Throws `not_representable` with the pointer for NaN,
 * infinities, undefined, functions, symbols, bigints of more than {@link MAX_INTEGER_DIGITS}, instances of classes, holes,
 * cycles, texts with a lone surrogate and nesting past {@link MAX_NESTING}. Only -0 is let through, and is written as 0.
 */
export function assertExact(value: unknown, pointer: string): void {
  if (!isPlain(value)) assertEachExact(value, pointer)
}

/** {@link assertExact} of a value that may look plain: it finds the text that has a lone surrogate. */
export function assertEachExact(value: unknown, pointer: string): void {
  const found = inexactIn(value, pointer, [])
  if (found === undefined) return
  throw new EventSystemError('not_representable', `${pathOf(found.pointer)} ${found.reason}.`, {
    pointer: found.pointer
  })
}

/** {@link assertExact} of what JSON.parse gave, which can only be nested too deep. */
export function assertNotTooDeep(value: unknown, pointer: string): void {
  if (!isWithin(value, MAX_NESTING)) assertExact(value, pointer)
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  if (Array.isArray(value)) return value.every((one) => isWithin(one, levels - 1))
  for (const key in value) if (!isWithin((value as Record<string, unknown>)[key], levels - 1)) return false
  return true
}

/**
 * Whether JSON.stringify alone writes a value exactly, a text with a lone surrogate excepted. This is the hot path: what
 * is wrong, and where, is looked for when the answer is no. Bigints and integers beyond ±(2^53 - 1) are exact and not plain.
 */
export function isPlain(value: unknown, levels = MAX_NESTING): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    case 'object': {
      if (value === null) return true
      if (levels === 0) return false
      if (Array.isArray(value)) {
        if (!isPlainArray(value)) return false
        for (let i = 0; i < value.length; i++) if (!isPlain(value[i], levels - 1)) return false
        return true
      }
      if (!isPlainObject(value) || Object.getOwnPropertySymbols(value).length > 0) return false
      for (const key in value) if (!isPlain((value as Record<string, unknown>)[key], levels - 1)) return false
      return true
    }
    default:
      return false
  }
}

interface Inexact {
  readonly pointer: string
  readonly reason: string
}

function inexactIn(value: unknown, pointer: string, parents: readonly unknown[]): Inexact | undefined {
  if (typeof value !== 'object') {
    const reason = reasonAgainst(value)
    return reason === undefined ? undefined : { pointer, reason }
  }
  if (value === null) return undefined
  const cause = parents.indexOf(value)
  if (cause !== -1) return { pointer, reason: 'is a cycle: it is one of the objects that it lies in' }
  if (parents.length === MAX_NESTING) return { pointer, reason: `lies deeper than ${MAX_NESTING} objects and arrays` }
  if (!(Array.isArray(value) ? isPlainArray(value) : isPlainObject(value))) {
    return {
      pointer,
      reason: `is ${instanceName(value)}, which JSON has no form for: convert it to text, numbers or plain objects`
    }
  }
  if (Object.getOwnPropertySymbols(value).length > 0)
    return { pointer, reason: 'has a symbol for a key, which JSON drops' }
  const inside = [...parents, value]
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value)
  for (const key of keys) {
    if (typeof key === 'string' && !key.isWellFormed()) return { pointer: below(pointer, key), reason: LONE_SURROGATE }
    const found = inexactIn((value as Record<string | number, unknown>)[key], below(pointer, key), inside)
    if (found !== undefined) return found
  }
  return undefined
}

const LONE_SURROGATE = 'has a lone surrogate, half of a character that UTF-16 writes as two: no UTF-8 can hold it'

function reasonAgainst(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : LONE_SURROGATE
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON has no form for`
    case 'undefined':
      return 'is undefined, which JSON drops: leave the property out, or say null'
    case 'bigint':
      return value < INTEGER_BOUND && value > -INTEGER_BOUND
        ? undefined
        : `is a bigint of more than ${MAX_INTEGER_DIGITS} digits: write it as text`
    case 'function':
    case 'symbol':
      return `is a ${typeof value}, which JSON has no form for`
    default:
      return undefined
  }
}

// An object of another realm (a frame, a vm context) has another Object.prototype: what tells a plain object there is
// that nothing stands above its prototype.
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

function isPlainArray(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Array.prototype || (prototype !== null && isPlainObject(prototype))
}

function instanceName(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class'
}
