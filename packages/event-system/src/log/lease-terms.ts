import { EventSystemError } from '@tradpal/events'
import type { LeaseTerms } from './port.ts'

/** An ended lease that nobody took again is forgotten after this time, in ms. */
export const FORGET_LEASE_MS = 3_600_000

const LONGEST_MS = 86_400_000
const MOST_NAMES = 2_000

/** Throws `invalid_argument` for terms on which no lease is given. */
export function assertLeaseTerms(names: readonly string[], { holder, ttlMs }: LeaseTerms): void {
  assertLeases(names, holder)
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= LONGEST_MS) return
  throw wrong(`ttlMs must be a whole number of ms from 1 to ${LONGEST_MS}, got ${ttlMs}.`)
}

/** Throws `invalid_argument` for what names no lease, or no holder. */
export function assertLeases(names: readonly string[], holder: string): void {
  if (names.length > MOST_NAMES) throw wrong(`A call takes at most ${MOST_NAMES} leases, got ${names.length}.`)
  for (const name of names) assertLeaseName(name)
  if (!hasLength(holder, 200)) throw wrong('The holder of a lease must have 1 to 200 characters.')
}

/** Throws `invalid_argument` for what names no lease. */
export function assertLeaseName(name: string): void {
  if (!hasLength(name, 500)) throw wrong('The name of a lease must have 1 to 500 characters.')
}

function hasLength(text: unknown, most: number): boolean {
  return typeof text === 'string' && text !== '' && text.length <= most
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
