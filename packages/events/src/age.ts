import { EventSystemError } from './errors.ts'

const A_DAY_MS = 86_400_000
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: A_DAY_MS,
  w: 7 * A_DAY_MS,
  y: 365 * A_DAY_MS
}

/** The units of {@link ageMs}, for sentences. */
export const AGES = '90s, 15m, 12h, 30d, 2w or 7y'

/** The length of a time in ms: `500ms`, `90s`, `15m`, `12h`, `30d`, `2w`, `7y` (of 365 days). Undefined for any other text. */
export function ageMs(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? []
  const factor = Object.hasOwn(UNITS_MS, unit) ? UNITS_MS[unit] : undefined
  const ms = factor === undefined ? undefined : Math.round(Number(count) * factor)
  return ms !== undefined && Number.isSafeInteger(ms) ? ms : undefined
}

/** As {@link ageMs}. Throws `invalid_options` for a text that is no age. */
export function parseAge(text: string): number {
  const ms = ageMs(text)
  if (ms !== undefined) return ms
  throw new EventSystemError('invalid_options', `${JSON.stringify(text)} is no age such as ${AGES}.`)
}
