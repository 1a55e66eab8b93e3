import { EventType } from '@tradpal/event-system'

/** What a publishing process is told. */
export interface PublisherSettings {
  /** Who it is: its events carry it as their source. */
  readonly name: string
  readonly diary: string
  readonly seed: number
  /** Until when it publishes, in ms since the epoch. */
  readonly until: number
  /** Through the library, or over HTTP through the service. */
  readonly way: LibraryWay | { readonly kind: 'service'; readonly url: string }
}

export interface LibraryWay {
  readonly kind: 'library'
  readonly redisUrl: string
  readonly spoolPath: string
  readonly durability: 'memory' | 'replicas:1'
  readonly deduplicationWindowMs: number
}

export const STREAM = 'chaos'
export const TYPE: string = EventType.MARKET_DATA_UPDATE
/** How long a publish may take. */
export const TIMEOUT_MS = 1_000
export const SPOOL_MAX_BYTES = 64_000_000
export const PUBLISHERS = ['first', 'second'] as const
export const CLIENT = 'client'
/** Of each publisher. */
export const KEYS = Array.from({ length: 50 }, (_, i) => `KEY${i}`)
export const EVENTS_PER_SECOND = 350
