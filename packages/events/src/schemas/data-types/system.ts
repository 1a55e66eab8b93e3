// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type { JsonObject, JsonValue } from '../../json-value.ts'

/** How a service is. */
export interface SystemHealthData {
  /** The service that this is about. */
  service?: string | null
  /** `healthy`, `degraded` or `unhealthy`. */
  status?: string | null
  /** More, for people. */
  message?: string | null
  /** The version that runs. */
  version?: string | number | null
  /** How long it has run. */
  uptime_seconds?: number | null
  /** What it measures of itself, by name. */
  metrics?: JsonObject | null
  /** The health of its parts. */
  components?: JsonValue
}

/** The market went from one regime into another. */
export interface MarketRegimeChangeData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The regime that holds now: `bull`, `bear`, `sideways`. */
  regime?: string | number | null
  /** The one before. */
  previous_regime?: string | number | null
  /** How sure the sender is, from 0 to 1. */
  confidence?: number
  /** What tells so, by name. */
  indicators?: JsonObject | null
}
