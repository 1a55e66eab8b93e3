import type { Clock } from '@tradpal/events'
import { clearPartOf } from '../../codec/index.ts'
import { type Storage, type TrimOptions, type TrimResult, TrimSum } from '../../log/index.ts'
import { PageIndex, type RuledEntry } from './page-index.ts'
import type { RetentionPolicy } from './policy.ts'
import { Due, Rules } from './rules.ts'

/** When the guard has kept so many that were due, and let none go, what lies behind them waits for the next time. */
const KEPT_IN_A_ROW = 1_000

export interface TrimByRuleParts {
  readonly storage: Storage
  readonly clock: Clock
}

/** Removes what is beyond the limits of its type, wherever it stands in the log. It remembers how much there is of what. */
export class TrimByRule {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #rules: Rules
  readonly #index: PageIndex

  constructor(policy: RetentionPolicy, { storage, clock }: TrimByRuleParts) {
    this.#storage = storage
    this.#clock = clock
    this.#rules = new Rules(policy)
    this.#index = new PageIndex(storage, (entry) => this.#rules.nameOf(clearPartOf(entry.payload)?.eventType))
  }

  async run({ signal, ...options }: TrimOptions & { readonly signal?: AbortSignal }): Promise<TrimResult> {
    const now = this.#clock.now()
    await this.#takeStock(now, signal)
    const due = new Due(this.#rules, this.#index.totals(), now)
    const sum = new TrimSum()
    let keptInARow = 0
    for (const [at, { firstAt, holdings }] of this.#index.pages.entries()) {
      signal?.throwIfAborted()
      if (keptInARow >= KEPT_IN_A_ROW || !due.isAnyFrom(firstAt)) break
      if (![...holdings.keys()].some((rule) => due.isDue(rule, firstAt))) continue
      const ids = this.#choose(await this.#index.read(at), due)
      if (ids.length === 0) continue
      const result = await this.#storage.log.remove(ids, options)
      sum.add(result)
      keptInARow = result.removed > 0 ? 0 : keptInARow + ids.length
      if (!options.dryRun) await this.#index.read(at)
    }
    if (!options.dryRun) this.#index.compact()
    return sum.result
  }

  /** No further than what may be due: of a year that is kept by its age, the newest is not looked at. */
  async #takeStock(now: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#rules.doCount) return this.#index.readOn({ time: now - this.#rules.leastAgeMs }, signal)
    const [{ length }, { last }] = await Promise.all([this.#storage.log.info(), this.#storage.log.bounds()])
    if (last !== null) await this.#index.readOn({ checkpoint: last }, signal)
    await this.#index.recount(length, signal)
  }

  #choose(entries: readonly RuledEntry[], due: Due): string[] {
    return entries.flatMap((entry) => {
      const isDue = due.isDue(entry.rule, entry.appendedAt)
      due.pass(entry.rule, entry)
      return isDue ? [entry.messageId] : []
    })
  }
}
