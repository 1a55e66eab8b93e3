import type { EventLog } from './log/index.ts'

/** How the system is, for a person and for a probe. */
export interface SystemHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
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

/** A log that takes so long to answer, in ms, makes the system degraded. */
const SLOW_MS = 1_000

export async function healthOf(log: EventLog, open: boolean, consumers: number): Promise<SystemHealth> {
  const { kind, location } = log
  if (!open) {
    return {
      status: 'unhealthy',
      log: { kind, location, reachable: false, latencyMs: null, reason: 'The event system is not open.' },
      consumers
    }
  }
  const started = performance.now()
  try {
    await log.ping()
    const latencyMs = performance.now() - started
    const status = latencyMs < SLOW_MS ? 'healthy' : 'degraded'
    return { status, log: { kind, location, reachable: true, latencyMs }, consumers }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { status: 'unhealthy', log: { kind, location, reachable: false, latencyMs: null, reason }, consumers }
  }
}
