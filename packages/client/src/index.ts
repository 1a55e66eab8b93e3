/**
 * The event service's client for Node, browsers, Deno and Bun, on fetch alone. It publishes so that a repeated attempt is
 * never a second event, queries and replays, and follows the log over Server-Sent Events with no gap and no repeat across
 * reconnections. It holds no state that outlives it: who must continue after a restart keeps `position`.
 */
export type {
  ApiKey,
  DeadLetter,
  DeadLetterAction,
  DeadLetterCause,
  GroupChangeOptions,
  HandlingError,
  IssuedApiKey,
  Lineage,
  ListedApiKey,
  PendingEvent,
  PublishReceipt,
  PullSettings,
  PullSettingsChange,
  Rate,
  RequeueNext
} from '@tradpal/events'
export type {
  AuditEntry,
  AuditVerification,
  EventStats,
  GroupInfo,
  GroupMember,
  HealthReport,
  RequeueResult,
  TrimReport
} from './answers/index.ts'
export type { AuditQuery, AuditTrail } from './audit.ts'
export type { ConsumeContext, ConsumeHandler, ConsumeOptions, ConsumeReport } from './consume-options.ts'
export type { Consumption } from './consumption.ts'
export type { TokenSource } from './credential.ts'
export type {
  DeadLetterFilter,
  DeadLetterQuery,
  DeadLetters,
  RequeueAllOptions,
  RequeueOptions
} from './dead-letters.ts'
export { EventClient } from './event-client.ts'
export type { Groups } from './groups.ts'
export type { ApiKeys, NewApiKey } from './keys.ts'
export type { EventClientOptions } from './options.ts'
export type { PublishOptions } from './publishing.ts'
export type { EventPage, EventQuery, EventRange, Instant } from './query.ts'
export type { RateQuery } from './rates.ts'
export type { CountOptions, StreamReplayOptions } from './replaying.ts'
export { type Problem, ServiceError, type ServiceErrorOptions } from './service-error.ts'
export type { StreamOptions } from './stream-reading.ts'
export type { StreamGap, SubscribeOptions, Subscription } from './subscription.ts'
export type { TrimLimits, TrimRequest } from './trimming.ts'
