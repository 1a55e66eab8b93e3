import { digitsOf, MAX_INTEGER_DIGITS } from './exact-text.ts'
import { isPlain } from './exact-value.ts'

/** What the compiler's library lacks of JSON.parse with source text access (ECMAScript 2026; Node 22, Chrome 114, Firefox 135, Safari 18.4). */
interface SourceTextJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
}

const json = JSON as unknown as SourceTextJson

// An integer with fewer digits is safe. Texts inside of strings may match too; the reviver tells them apart.
const LONG_INTEGER = /(?:^|[:,[ \n\r\t])-?\d{16}/
const INTEGER = /^-?\d+$/

/** JSON.parse in which an integer beyond ±(2^53 - 1) is a bigint. Decimals, and numbers with an exponent, are numbers. */
export function parseWithBigInts(text: string): unknown {
  return LONG_INTEGER.test(text) ? json.parse(text, toBigInt) : JSON.parse(text)
}

/**
 * JSON.stringify for what may hold data or metadata of an event: a bigint is written digit by digit. An integer beyond
 * ±(2^53 - 1) that is a number is written with an exponent, so that it is read as a number again.
 */
export function stringifyJson(value: unknown): string {
  return isPlain(value) ? JSON.stringify(value) : stringifyExact(value)
}

/** {@link stringifyJson} of a value that is known not to be plain. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, toRaw)
}

function toBigInt(_key: string, value: unknown, { source = '' }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !INTEGER.test(source)) return value
  return digitsOf(source) > MAX_INTEGER_DIGITS ? value : BigInt(source)
}

function toRaw(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return json.rawJSON(String(value))
  const isUnsafe = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return isUnsafe ? json.rawJSON(value.toExponential()) : value
}
