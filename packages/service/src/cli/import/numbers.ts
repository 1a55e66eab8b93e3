import { EventSystemError, parseJson } from '@tradpal/events'

/** A number as programs write it: without leading zeros, a plus sign or a bare point. */
const PLAIN = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
/** As programs write very small and very large ones: one digit before the point, and a signed exponent. `73928e03` is an id. */
const SCIENTIFIC = /^-?[1-9](?:\.\d+)?[eE][+-]\d+$/
/** Any text that says a number. */
const ANY = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?$/
/** A double keeps every number of this many digits. */
const SAFE_LENGTH = 15

/**
 * The number that a text is, where the number says all that the text does: an integer of any length, beyond 2^53 a bigint,
 * or a decimal that survives. Undefined for any other text, such as `000123`, `73928e03` or `94321.123456789012345678`.
 */
export function exactNumber(text: string): number | bigint | undefined {
  if (PLAIN.test(text)) return text.length <= SAFE_LENGTH ? Number(text) + 0 : surviving(text)
  return SCIENTIFIC.test(text) ? surviving(text) : undefined
}

/**
 * The number that a text says where a number is required: leading zeros, a plus sign and any exponent are allowed too.
 * Undefined for what says no number. Throws `not_representable` for a number that would be changed.
 */
export function requiredNumber(text: string): number | bigint | undefined {
  const [, sign = '', integer = '', fraction = '', exponent = ''] = ANY.exec(text) ?? []
  if (integer === '' && fraction === '') return undefined
  const whole = integer.replace(/^0+(?=\d)/, '') || '0'
  const decimals = fraction === '' ? '' : `.${fraction}`
  return numberOf(`${sign === '-' ? '-' : ''}${whole}${decimals}${exponent}`)
}

function surviving(text: string): number | bigint | undefined {
  try {
    return numberOf(text)
  } catch (error) {
    if (error instanceof EventSystemError) return undefined
    throw error
  }
}

/** Of a literal of JSON. -0 is 0, as JSON writes it. Throws `not_representable`. */
function numberOf(literal: string): number | bigint {
  // Only inside of a document a number is checked.
  const [value] = parseJson(`[${literal}]`) as [number | bigint]
  return value === 0 ? 0 : value
}
