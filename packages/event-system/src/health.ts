import { type Clock, counted } from '@tradpal/events'
import { DeadLetters } from './dead-letters/index.ts'
import type { GroupInfo, Storage } from './log/index.ts'
import type { LogWarnings } from './log-warnings.ts'
import type { EventPublisher, PublisherState } from './publish/index.ts'

/** How the system is, for a person and for a probe. */
export interface SystemHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** A sentence for each thing that is not as it should be. */
  readonly reasons: readonly string[]
  /** Those of the reasons that tell how consumer groups stand: not everybody may know. */
  readonly groupReasons: readonly string[]
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
  readonly publishing: PublisherState
}

/** A consumer group beyond any of these makes the system degraded. */
export interface HealthBounds {
  /** The age of the oldest event that a group was not yet handed, in ms. */
  readonly maxLagMs: number
  /** The age of the oldest event that a group was handed and has not acknowledged, in ms. */
  readonly maxPendingMs: number
  /** Dead letters of a group. */
  readonly maxDeadLetters: number
}

/** A log that takes so long to answer, in ms, makes the system degraded. */
const SLOW_MS = 1_000
/** The groups are looked at no more often than every so many ms, however often somebody asks. */
const LOOK_AGAIN_MS = 5_000

export interface HealthParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly bounds: HealthBounds
  readonly publisher: EventPublisher
  /** Why events wait to be read, in a sentence each. */
  readonly missed: () => readonly string[]
  readonly warnings: LogWarnings
}

/** Answers how a system is. It never rejects. */
export class Health {
  readonly #parts: HealthParts
  readonly #deadLetters: DeadLetters
  #looked: { readonly at: number; readonly reasons: Promise<string[]> } | undefined

  constructor(parts: HealthParts) {
    this.#parts = parts
    this.#deadLetters = new DeadLetters(parts)
  }

  async of(open: boolean, consumers: number): Promise<SystemHealth> {
    const { kind, location } = this.#parts.storage
    const publishing = await this.#parts.publisher.state()
    const unreachable = (reason: string): SystemHealth => {
      const log = { kind, location, reachable: false, latencyMs: null, reason }
      const spools = open && publishing.spool !== undefined && publishing.spool.bytes <= publishing.spool.maxBytes
      const status = spools ? 'degraded' : 'unhealthy'
      const reasons = [reason, ...spooling(publishing)]
      return { status, reasons, groupReasons: [], warnings: [], log, consumers, publishing }
    }
    if (!open) return unreachable('The event system is not open.')
    const started = performance.now()
    try {
      await this.#parts.storage.ping()
      const latencyMs = performance.now() - started
      const slow =
        latencyMs < SLOW_MS ? [] : [`The log took ${Math.round(latencyMs)} ms to answer, ${SLOW_MS} or more.`]
      const warnings = await this.#parts.warnings.current()
      const losing = warnings.filter(({ losesEntries }) => losesEntries).map(({ message }) => message)
      const groupReasons = await this.#groupsBeyondBounds()
      const reasons = [...slow, ...losing, ...this.#parts.missed(), ...spooling(publishing), ...groupReasons]
      const status = reasons.length === 0 ? 'healthy' : 'degraded'
      return {
        status,
        reasons,
        groupReasons,
        warnings: warnings.map(({ message }) => message),
        log: { kind, location, reachable: true, latencyMs },
        consumers,
        publishing
      }
    } catch (error) {
      return unreachable(error instanceof Error ? error.message : String(error))
    }
  }

  #groupsBeyondBounds(): Promise<string[]> {
    const { clock, bounds } = this.#parts
    if (Object.values(bounds).every((bound) => bound === Infinity)) return Promise.resolve([])
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
    const { storage, bounds } = this.#parts
    const [{ groups }, deadLetters] = await Promise.all([storage.log.info(), this.#deadLetters.count()])
    const late = groups.flatMap((group) => [...lagging(group, bounds), ...stuck(group, bounds)])
    // As long as there are no more of all groups together, there are no more of any.
    return deadLetters > bounds.maxDeadLetters ? [...late, ...(await this.#withDeadLetters(groups))] : late
  }

  async #withDeadLetters(groups: readonly GroupInfo[]): Promise<string[]> {
    const { bounds } = this.#parts
    const counts = await Promise.all(
      groups.map(async ({ name }) => ({ name, count: await this.#deadLetters.count({ group: name }) }))
    )
    return counts
      .filter(({ count }) => count > bounds.maxDeadLetters)
      .map(
        ({ name, count }) =>
          `The group ${name} has ${counted(count, 'dead letter')}, more than ${bounds.maxDeadLetters}.`
      )
  }
}

function spooling({ spool }: PublisherState): string[] {
  if (spool === undefined) return []
  const { events, oldestMs, refused } = spool
  const waiting = counted(events, 'event waits', 'events wait')
  const kept = counted(refused, 'event of the spool was', 'events of the spool were')
  return [
    ...(events === 0 ? [] : [`${waiting} in the spool, the oldest for ${seconds(oldestMs ?? 0)} s.`]),
    ...(refused === 0 ? [] : [`${kept} refused by the log for good: look at them, and discard them.`])
  ]
}

function lagging({ name, lagMs }: GroupInfo, { maxLagMs }: HealthBounds): string[] {
  if (lagMs <= maxLagMs) return []
  return [`The group ${name} lags ${seconds(lagMs)} s behind, more than ${seconds(maxLagMs)}.`]
}

function stuck({ name, oldestPendingMs }: GroupInfo, { maxPendingMs }: HealthBounds): string[] {
  if (oldestPendingMs === null || oldestPendingMs <= maxPendingMs) return []
  const limit = seconds(maxPendingMs)
  return [
    `The group ${name} has not acknowledged an event that is ${seconds(oldestPendingMs)} s old, more than ${limit}.`
  ]
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
