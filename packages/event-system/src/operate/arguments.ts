import { canonicalTypeOf, EventSystemError, type OptionNames, onlyOptions, stringifyJson } from '@tradpal/events'
import type { DeadLetterFilter } from '../dead-letters/index.ts'

const KINDS: readonly unknown[] = ['poison', 'rejected', 'exhausted', 'invalid']
const LONGEST_NAME = 200
const LONGEST_REASON = 2_000
/** Letters may hold large payloads and stacks: a page has at most so many. */
const LARGEST_PAGE = 1_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/

const CONDITIONS: Readonly<Record<keyof DeadLetterFilter, (name: string, value: unknown) => void>> = {
  group: text,
  eventType: text,
  handler: text,
  kind(name, value) {
    if (!KINDS.includes(value)) throw wrong(name, `one of ${KINDS.join(', ')}`, value)
  },
  fingerprint: text,
  since: instant,
  until: instant
}

/** The names of the conditions. */
export const FILTER_OPTIONS: OptionNames<DeadLetterFilter> = CONDITIONS

/** A condition of another name is refused with `invalid_options`: a misspelt one must not widen what is found. */
export function checkedFilter(call: string, filter: DeadLetterFilter): DeadLetterFilter {
  onlyOptions(call, filter, FILTER_OPTIONS)
  const given = Object.entries(filter).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) CONDITIONS[name as keyof DeadLetterFilter](name, value)
  const { since, until } = filter
  if (since !== undefined && until !== undefined && since > until) {
    throw new EventSystemError('invalid_argument', `since (${since}) is after until (${until}); exchange them.`)
  }
  return canonical(Object.fromEntries(given))
}

/** Letters have the canonical names of event types. */
function canonical(filter: DeadLetterFilter): DeadLetterFilter {
  const { eventType } = filter
  return eventType === undefined ? filter : { ...filter, eventType: canonicalTypeOf(eventType) }
}

/** As {@link checkedFilter}. A condition that is there and undefined is refused too: what was to narrow would move everything. */
export function definedFilter(call: string, filter: DeadLetterFilter): DeadLetterFilter {
  onlyOptions(call, filter, FILTER_OPTIONS)
  for (const [name, value] of Object.entries(filter))
    if (value === undefined) throw wrong(name, 'left out, or given', value)
  return checkedFilter(call, filter)
}

export function operatorName(by: string): string {
  if (typeof by === 'string' && by.trim() !== '' && by.length <= LONGEST_NAME && !CONTROL.test(by)) return by
  throw wrong('by', `the name of who does it, 1 to ${LONGEST_NAME} characters without control characters`, by)
}

export function checkedReason(reason: string): string {
  if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= LONGEST_REASON) return reason
  throw wrong('reason', `a sentence that says why, 1 to ${LONGEST_REASON} characters`, reason)
}

export function pageLimit(limit: number): number {
  return whole('limit', limit, 1, LARGEST_PAGE)
}

export function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`
  throw wrong(name, `a whole number of at least ${least}${upTo}`, value)
}

function text(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw wrong(name, 'a text that is not empty', value)
}

function instant(name: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name, 'a time in ms since the epoch', value)
}

function wrong(name: string, expected: string, value: unknown): EventSystemError {
  const got = typeof value === 'number' || typeof value === 'bigint' ? String(value) : stringifyJson(value)
  const shown = got !== undefined && got.length > 60 ? `${got.slice(0, 57)}...` : got
  return new EventSystemError('invalid_argument', `${name} must be ${expected}, got ${shown}.`, { pointer: `/${name}` })
}
