import type { Clock } from '@tradpal/events'
import type { EventLog, GroupInfo } from './log/index.ts'
import type { LogWarnings } from './log-warnings.ts'

/** How the system is, for a person and for a probe. */
export interface SystemHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** A sentence for each thing that is not as it should be. */
  readonly reasons: readonly string[]
  /** A sentence for each thing in the way in which the log is kept that may lose events, whatever the status is. */
  readonly warnings: readonly string[]
  readonly log: {
    readonly kind: string
    readonly location: string
    readonly reachable: boolean
    /** How long it took to answer, in ms. */
    readonly latencyMs: number | null
    /** Why it is not reachable. */
    readonly reason?: string
  }
  readonly consumers: number
}

/** A consumer group beyond any of these makes the system degraded. */
export interface HealthBounds {
  /** The age of the oldest event that a group was not yet handed, in ms. */
  readonly maxLagMs: number
  /** Dead letters of a group. */
  readonly maxDeadLetters: number
}

/** A log that takes so long to answer, in ms, makes the system degraded. */
const SLOW_MS = 1_000
/** The groups are looked at no more often than every so many ms, however often somebody asks. */
const LOOK_AGAIN_MS = 5_000

export interface HealthParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly bounds: HealthBounds
  readonly warnings: LogWarnings
}

/** Answers how a system is. It never rejects. */
export class Health {
  readonly #parts: HealthParts
  #looked: { readonly at: number; readonly reasons: Promise<string[]> } | undefined

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  async of(open: boolean, consumers: number): Promise<SystemHealth> {
    const { kind, location } = this.#parts.log
    const unhealthy = (reason: string): SystemHealth => {
      const log = { kind, location, reachable: false, latencyMs: null, reason }
      return { status: 'unhealthy', reasons: [reason], warnings: [], log, consumers }
    }
    if (!open) return unhealthy('The event system is not open.')
    const started = performance.now()
    try {
      await this.#parts.log.ping()
      const latencyMs = performance.now() - started
      const slow =
        latencyMs < SLOW_MS ? [] : [`The log took ${Math.round(latencyMs)} ms to answer, ${SLOW_MS} or more.`]
      const warnings = await this.#parts.warnings.current()
      const losing = warnings.filter(({ losesEntries }) => losesEntries).map(({ message }) => message)
      const reasons = [...slow, ...losing, ...(await this.#groupsBeyondBounds())]
      const status = reasons.length === 0 ? 'healthy' : 'degraded'
      return {
        status,
        reasons,
        warnings: warnings.map(({ message }) => message),
        log: { kind, location, reachable: true, latencyMs },
        consumers
      }
    } catch (error) {
      return unhealthy(error instanceof Error ? error.message : String(error))
    }
  }

  #groupsBeyondBounds(): Promise<string[]> {
    const { clock, bounds } = this.#parts
    if (bounds.maxLagMs === Infinity && bounds.maxDeadLetters === Infinity) return Promise.resolve([])
    const now = clock.now()
    if (this.#looked === undefined || now - this.#looked.at >= LOOK_AGAIN_MS) {
      this.#looked = { at: now, reasons: this.#look() }
      this.#looked.reasons.catch(() => {
        this.#looked = undefined
      })
    }
    return this.#looked.reasons
  }

  async #look(): Promise<string[]> {
    const { log, bounds } = this.#parts
    const { groups, deadLetters } = await log.info()
    const lagging = groups
      .filter(({ lagMs }) => lagMs > bounds.maxLagMs)
      .map(
        ({ name, lagMs }) => `The group ${name} lags ${seconds(lagMs)} s behind, more than ${seconds(bounds.maxLagMs)}.`
      )
    // As long as there are no more of all groups together, there are no more of any.
    return deadLetters > bounds.maxDeadLetters ? [...lagging, ...(await this.#withDeadLetters(groups))] : lagging
  }

  async #withDeadLetters(groups: readonly GroupInfo[]): Promise<string[]> {
    const { log, bounds } = this.#parts
    const counts = await Promise.all(
      groups.map(async ({ name }) => ({ name, count: await log.deadLetters.count({ group: name }) }))
    )
    return counts
      .filter(({ count }) => count > bounds.maxDeadLetters)
      .map(({ name, count }) => `The group ${name} has ${count} dead letters, more than ${bounds.maxDeadLetters}.`)
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
