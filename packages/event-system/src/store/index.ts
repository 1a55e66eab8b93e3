/**
 * The past: events by id, by type and by time, any number of them in constant memory; replay; and the lineage of an
 * event, from its first cause to its last effect. Reading changes nothing. Entries that are no events are passed over.
 */

export type { EventPage } from './event-page.ts'
export { type EventQuery, type EventRange, onlyRange } from './event-query.ts'
export {
  EventStore,
  type EventStoreOptions
} from './event-store.ts'
export type { FollowedPage } from './followed-pages.ts'
export type { RateQuery } from './rates.ts'
export type { ReplayPace } from './replay-pace.ts'
export {
  type EnforceOptions,
  faultsOfPolicy,
  parseBytes,
  parseLimitsByType,
  Retention,
  type RetentionLimits,
  type RetentionParts,
  type RetentionPolicy
} from './retention/index.ts'
export type { EventSystemStats } from './stats.ts'
export type { StreamOptions } from './stream-events.ts'
