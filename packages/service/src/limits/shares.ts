import { EventSystemError } from '@tradpal/event-system'
import { SHARE_NAMES, type ShareName } from '@tradpal/event-system/access'
import type { Share } from './configuration.ts'
import { SHARES } from './names.ts'
import type { Caller } from './rate-limits.ts'

export interface SharesOptions {
  /** How much may be under way. */
  readonly limits: Readonly<Record<ShareName, Share>>
  /** Told of each refusal. */
  readonly onRefused: (kind: ShareName) => void
}

/** How much of each kind is under way on this instance, in all and of each caller. */
export class Shares {
  readonly #options: SharesOptions
  readonly #inAll = Object.fromEntries(SHARE_NAMES.map((name) => [name, 0])) as Record<ShareName, number>
  /** By caller. A caller with nothing under way has no entry. */
  readonly #ofEach = Object.fromEntries(SHARE_NAMES.map((name) => [name, new Map()])) as Record<
    ShareName,
    Map<string, number>
  >

  constructor(options: SharesOptions) {
    this.#options = options
  }

  inAll(kind: ShareName): number {
    return this.#inAll[kind]
  }

  /** Counts an amount until {@link give}. Throws `rate_limited` when it exceeds the caller's bound, and `service_unavailable` when it exceeds the total; then it counts nothing. */
  take(kind: ShareName, caller: Caller, amount = 1): void {
    const { inAll, ofEach } = this.#options.limits[kind]
    const own = caller.limits?.[kind] ?? ofEach
    const taken = (this.#ofEach[kind].get(caller.key) ?? 0) + amount
    const { variable, unit } = SHARES[kind]
    if (taken > own) {
      const sentence = `${caller.shown} has ${own} ${unit} under way, as many as it may (${variable}_PER_PRINCIPAL, or ${kind} of the policy): end one first.`
      throw this.#refusal(kind, 'rate_limited', sentence)
    }
    if (this.#inAll[kind] + amount > inAll) {
      const sentence = `The service has ${inAll} ${unit} under way, as many as it may (${variable}): come again later, or to another instance.`
      throw this.#refusal(kind, 'service_unavailable', sentence)
    }
    this.#ofEach[kind].set(caller.key, taken)
    this.#inAll[kind] += amount
  }

  give(kind: ShareName, { key }: Caller, amount = 1): void {
    const ofEach = this.#ofEach[kind]
    const left = (ofEach.get(key) ?? 0) - amount
    if (left > 0) ofEach.set(key, left)
    else ofEach.delete(key)
    this.#inAll[kind] -= amount
  }

  #refusal(kind: ShareName, code: 'rate_limited' | 'service_unavailable', sentence: string): EventSystemError {
    this.#options.onRefused(kind)
    return new EventSystemError(code, sentence)
  }
}
