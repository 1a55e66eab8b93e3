import { checkedEventId } from './envelope.ts'

/** So many ids, made within the same millisecond, share all but their last 12 digits. */
const RUN = 16
const SHARED = 24
const RANDOM_DIGITS = 11
const BYTES = 8_192
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

let shared = ''
let madeAt = 0
let inRun = RUN
let digits = ''
let used = 0

/**
 * A new event id, a random UUID. Those of the same moment have their first 24 characters in common, which makes them
 * several times cheaper to remember for a log. Each ends with 44 random bits of its own: who knows one cannot guess another.
 */
export function newEventId(): string {
  const now = Date.now()
  if (inRun === RUN || now !== madeAt) beginRun(now)
  if (used + RANDOM_DIGITS > digits.length) drawDigits()
  used += RANDOM_DIGITS
  const id = shared + (inRun++).toString(16) + digits.slice(used - RANDOM_DIGITS, used)
  // The engine makes the UUID as a rope of its parts. The check flattens it while it is hot, and saves more than it costs.
  return checkedEventId(id)
}

function beginRun(now: number): void {
  shared = globalThis.crypto.randomUUID().slice(0, SHARED)
  madeAt = now
  inRun = 0
}

/** Many at once: asking for random bytes costs more than the bytes do. */
function drawDigits(): void {
  digits = ''
  for (const byte of globalThis.crypto.getRandomValues(new Uint8Array(BYTES))) digits += HEX[byte]
  used = 0
}
