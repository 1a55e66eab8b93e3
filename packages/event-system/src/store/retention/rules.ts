import type { RetentionLimits, RetentionPolicy } from './policy.ts'

/** The name of the rule for all types that have none of their own. No event type is called so. */
const ALL_OTHERS = ''

/** What there is of the events of one rule. */
export interface Holding {
  count: number
  bytes: number
}

/** Which limits an event is under. */
export class Rules {
  readonly #byName: ReadonlyMap<string, RetentionLimits>

  constructor({ byType = {}, ...allOthers }: RetentionPolicy) {
    this.#byName = new Map([...Object.entries(byType), [ALL_OTHERS, allOthers]])
  }

  /** The name of the rule for an event type, or for an entry that is no event. */
  nameOf(eventType: string | undefined): string {
    return eventType !== undefined && this.#byName.has(eventType) ? eventType : ALL_OTHERS
  }

  entries(): Iterable<[name: string, limits: RetentionLimits]> {
    return this.#byName
  }

  /** Whether it matters how many events there are, beyond how old they are. */
  get doCount(): boolean {
    return [...this.#byName.values()].some(({ maxLength, maxBytes }) => (maxLength ?? maxBytes) !== undefined)
  }

  /** The least age that an event must have to be removed for its age, in ms; infinite when none is. */
  get leastAgeMs(): number {
    return Math.min(...[...this.#byName.values()].map(({ maxAgeMs = Number.POSITIVE_INFINITY }) => maxAgeMs))
  }
}

/** What is still to be removed of the events of one rule. */
interface Excess {
  count: number
  bytes: number
  /** What the log took before this instant, ms since the epoch. */
  readonly before: number
}

/** What is to be removed, as one goes through the log from its beginning. */
export class Due {
  readonly #byRule = new Map<string, Excess>()

  constructor(rules: Rules, totals: ReadonlyMap<string, Holding>, now: number) {
    for (const [name, { maxLength = Infinity, maxBytes = Infinity, maxAgeMs = Infinity }] of rules.entries()) {
      const { count, bytes } = totals.get(name) ?? { count: 0, bytes: 0 }
      this.#byRule.set(name, { count: count - maxLength, bytes: bytes - maxBytes, before: now - maxAgeMs })
    }
  }

  /** Whether anything is due behind what was gone through, where the log goes on at `time`. */
  isAnyFrom(time: number): boolean {
    return [...this.#byRule.keys()].some((rule) => this.isDue(rule, time))
  }

  isDue(rule: string, time: number): boolean {
    const excess = this.#byRule.get(rule)
    return excess !== undefined && (excess.count > 0 || excess.bytes > 0 || time < excess.before)
  }

  /** Goes past what was found, be it that it cannot be removed: nothing newer goes in its place. */
  pass(rule: string, { count, bytes }: Holding): void {
    const excess = this.#byRule.get(rule)
    if (excess === undefined) return
    excess.count -= count
    excess.bytes -= bytes
  }
}
