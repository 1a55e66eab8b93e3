/**
 * The event system that a service embeds: publish, consume, query and replay typed events over an append-only log. Most
 * services need {@link EventSystem} alone; its parts stand here too. What an event is comes from `@tradpal/events` and is
 * exported again, so that one import is enough.
 */
import './runtime/index.ts'

export * from '@tradpal/events'
export * from './codec/index.ts'
export {
  type AuditLog,
  configure,
  type EncryptionOptions,
  type Environment,
  EnvironmentReader,
  type EventSystemConfiguration,
  type EventSystemOptions,
  isRedisUrl,
  type MisspeltVariable,
  misspeltVariables,
  recordedEnvironment,
  type SigningOptions,
  warnOfMisspelt
} from './configuration/index.ts'
export * from './consume/index.ts'
export {
  AMENDED_BY,
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  type DeadLetterFilter,
  type Operator
} from './dead-letters/index.ts'
export { EventSystem } from './event-system.ts'
export type { HealthBounds, SystemHealth } from './health.ts'
export type * from './log/index.ts'
export { Documents, gapBehind, tellGap } from './log/index.ts'
export { RedisStorage, type RedisStorageOptions } from './log/redis/index.ts'
export { type ExposedPath, SqliteStorage, type SqliteStorageOptions } from './log/sqlite/index.ts'
export * from './operate/index.ts'
export * from './publish/index.ts'
export {
  type AheadMessage,
  type ClaimedMessage,
  type ConsoleLogger,
  type ConsumedMessage,
  causeOfThisCall,
  type DeadLetteredMessage,
  diagnostics,
  type Logger,
  type LoggerOption,
  Occurrences,
  type PublishedMessage,
  runAsCause,
  type ShreddedMessage,
  type SkippedMessage,
  type SpooledMessage,
  silentLogger,
  stderrLogger,
  type TrimmedMessage,
  WatchedFiles,
  type WatchedFilesOptions
} from './runtime/index.ts'
export * from './store/index.ts'
