import type { TimePlace } from '../../event-time.ts'
import type { MessageId } from '../../port.ts'

/**
 * A place in the order of event times as a text: texts stand in the order of their bytes where the places stand in theirs. It has the event
 * time in 11 digits of base 32, and then each part of the message id: how many digits it has, and these. 0 has none.
 */
export function placeText({ eventTime, messageId }: TimePlace): string {
  const [ms = '0', sequence = '0'] = messageId.split('-')
  return `${timeText(eventTime)}${numberText(ms)}${numberText(sequence)}`
}

export function placeIn(text: string): TimePlace {
  const high = Number.parseInt(text.slice(0, HIGH_DIGITS), BASE)
  const low = Number.parseInt(text.slice(HIGH_DIGITS, TIME_DIGITS), BASE)
  const [ms, next] = numberIn(text, TIME_DIGITS)
  const [sequence] = numberIn(text, next)
  return { eventTime: (high - HIGH_OFFSET) * LOW_RANGE + low, messageId: `${ms}-${sequence}` as MessageId }
}

const BASE = 32
/** A time is a whole number from -2^53 to 2^53. Its high and its low part are numbers of 0 or more. */
const TIME_DIGITS = 11
const HIGH_DIGITS = 5
const LOW_RANGE = 2 ** 30
const HIGH_OFFSET = 2 ** 23

function timeText(time: number): string {
  const high = Math.floor(time / LOW_RANGE)
  const low = time - high * LOW_RANGE
  return digits(high + HIGH_OFFSET, HIGH_DIGITS) + digits(low, TIME_DIGITS - HIGH_DIGITS)
}

function digits(number: number, count: number): string {
  return number.toString(BASE).padStart(count, '0')
}

/** The text of a number of 64 bits, which is given in decimal digits. */
function numberText(decimal: string): string {
  if (decimal === '0') return '0'
  const text = decimal.length < 16 ? Number(decimal).toString(BASE) : BigInt(decimal).toString(BASE)
  return text.length.toString(BASE) + text
}

/** The number that begins at `at`, in decimal digits, and where the next begins. */
function numberIn(text: string, at: number): [decimal: string, next: number] {
  const next = at + 1 + Number.parseInt(text[at] as string, BASE)
  const found = text.slice(at + 1, next)
  if (found === '') return ['0', next]
  return [found.length <= 10 ? String(Number.parseInt(found, BASE)) : String(wideNumber(found)), next]
}

function wideNumber(text: string): bigint {
  let number = 0n
  for (const digit of text) number = number * BigInt(BASE) + BigInt(Number.parseInt(digit, BASE))
  return number
}
