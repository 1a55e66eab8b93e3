import type {
  ApiKey,
  AuditEntry,
  AuditVerification,
  DeadLetter,
  DeadLetterAction,
  DeadLetterCause,
  GroupInfo,
  IssuedApiKey,
  ListedApiKey,
  PendingEvent,
  PullSettings,
  PullSettingsChange,
  RequeueResult,
  TrimReport,
  TrimRequest
} from '@tradpal/event-client'
import type { RekeyOptions, RekeyReport, ShredOptions, ShredReport } from '@tradpal/event-system'
import type { Event, JsonObject, StoredEvent, StreamEvent } from '@tradpal/events'

/** Which events of a target. */
export interface TargetRange {
  readonly eventType?: readonly string[]
  /** Only events whose `data.symbol` is one of these. */
  readonly symbols?: readonly string[]
  /** Taken by the log at this instant or later, ms since the epoch. */
  readonly startTime?: number
  readonly endTime?: number
  /** Behind this position. Not together with `startTime`. */
  readonly after?: string
}

export interface TargetPage {
  readonly events: readonly StoredEvent[]
  readonly position: string
}

export type TargetFilter = Pick<TargetRange, 'eventType' | 'symbols'>

export interface GroupStanding {
  readonly name: string
  readonly consumers: number
  /** Handed out and not acknowledged. */
  readonly pending: number
  /** Not yet handed out; null where the target cannot tell. */
  readonly lag: number | null
  readonly lastDelivered: string
}

export interface LogStanding {
  /** `sqlite`, `redis`. */
  readonly log: string
  readonly location: string
  /** null, as `bytes`, to who may not read every event type. */
  readonly length: number | null
  readonly firstId: string | null
  readonly lastId: string | null
  readonly bytes: number | null
  readonly deadLetters: number
  readonly groups: readonly GroupStanding[]
}

export interface TargetHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  readonly [detail: string]: unknown
}

export interface PublishedEvent {
  readonly messageId: string
  readonly eventId: string
  readonly duplicate: boolean
}

export interface OpenTargetOptions {
  /** Whether a log file that is not there is made. Default false. */
  readonly create?: boolean
}

/** As whom a command publishes where nobody else is known. */
export const COMMAND_LINE = 'command_line'

/** What the commands work on: a service, or a log that is opened directly. Its errors are `EventSystemError`s. */
export interface Target extends AsyncDisposable {
  /** Where it is, without secrets. */
  readonly location: string
  /** The source of an event that names none: empty where the service knows who asks, and names them itself. */
  readonly source: string
  /**
   * Appends all of the events or none, and says which were there already: those have the first message id. Rejects with
   * `event_id_conflict` when event ids stand for other events: all events but those in its `conflicts` are in the log then.
   */
  publishAll(events: readonly Event[]): Promise<readonly PublishedEvent[]>
  /** Rejects with what `publishAll` would reject with because of the events themselves; `index` names the first wrong one. Appends nothing. */
  check(events: readonly Event[]): Promise<void>
  /** In log order: with a start (`startTime` or `after`) the first ones from there, without the newest. */
  getEvents(range: TargetRange, limit: number): Promise<StoredEvent[]>
  /** As `getEvents`, at most 1,000, with the position behind them: the `after` of what comes next. */
  getPage(range: TargetRange, limit: number): Promise<TargetPage>
  /** Any number of events, in log order and constant memory, up to what is the end of the log when it gets there. */
  readEvents(range: TargetRange): AsyncIterable<StoredEvent>
  /** The events of a stream key, in the order of their versions. */
  readStream(streamKey: string, fromVersion: number): AsyncIterable<StreamEvent<true>>
  /** As `readEvents`, at the pace at which the log took them times `speed`. */
  replay(range: TargetRange, speed: number | 'max', signal: AbortSignal): AsyncIterable<StoredEvent>
  /** How many entries of the log its reads met that are no event, and passed over. Over a service always 0: none comes with its answers. */
  readonly passedOver: number
  /** How many events a range has. */
  countEvents(range: TargetRange): Promise<number>
  /** Events behind a position, or all with `start`, and those that come, with no gap and no repeat, until the signal is aborted. */
  follow(
    from: 'start' | { readonly after: string },
    filter: TargetFilter,
    signal: AbortSignal
  ): AsyncIterable<StoredEvent>
  standing(): Promise<LogStanding>
  eventTypes(): Promise<string[]>
  healthCheck(): Promise<TargetHealth>
  /** Removes what is beyond limits: without any, those of the service, or of the environment. Rejects with `invalid_argument`. */
  trim(request: TrimRequest): Promise<TrimReport>
  /** Encrypts anew what old keys encrypted. Rejects with `unsupported` over a service: that needs the log itself. */
  rekey(options: RekeyOptions): Promise<RekeyReport>
  /** Erases the events of a subject for good. Rejects with `not_found`, and with `unsupported` over a service, as {@link rekey} does. */
  shred(subject: string, options: ShredOptions): Promise<ShredReport>
  readonly deadLetters: DeadLetterTarget
  readonly groups: GroupTarget
  readonly keys: KeyTarget
  readonly audit: AuditTarget
}

/** Who did what. All reject with `not_found` where that is not recorded. */
export interface AuditTarget {
  /** In order: with `since` the first ones from there, without the newest. */
  list(query: {
    readonly principal?: string
    readonly action?: string
    /** ms since the epoch. */
    readonly since?: number
    readonly until?: number
    readonly refused?: boolean
    readonly limit: number
  }): Promise<AuditEntry[]>
  /** `<seq>:<hash>` of the last entry. */
  head(): Promise<string>
  /** `head`: one that was kept. `allowEmpty`: whether nothing may have been recorded yet. Rejects with `invalid_argument`. */
  verify(options: { readonly head?: string; readonly allowEmpty?: boolean }): Promise<AuditVerification>
}

/** Every condition that is given must hold. */
export interface LetterFilter {
  readonly group?: string
  readonly eventType?: string
  readonly handler?: string
  readonly kind?: DeadLetter['kind']
  readonly fingerprint?: string
  /** Dead since this instant or later, ms since the epoch. */
  readonly since?: number
  readonly until?: number
}

/** What groups gave up on. `by` is who does it, for the record. */
export interface DeadLetterTarget {
  list(page: LetterFilter & { readonly after?: string; readonly limit?: number }): Promise<DeadLetter[]>
  count(filter: LetterFilter): Promise<number>
  /** By cause: how many letters have it, and the oldest. */
  causes(filter: Pick<LetterFilter, 'group'>): Promise<DeadLetterCause[]>
  /** Rejects with `not_found`, or resolves to undefined, when there is no such letter. */
  get(id: string): Promise<DeadLetter | undefined>
  /** Puts the entry back to its group, with other data when they are given. Rejects with `not_found` and `entry_trimmed`. */
  requeue(id: string, options: { readonly by: string; readonly data?: JsonObject }): Promise<void>
  /** Puts back those that match, at most `limit`; what the result says in `next` goes on with the rest. */
  requeueAll(
    filter: LetterFilter,
    options: {
      readonly by: string
      readonly dryRun?: boolean
      readonly limit?: number
      readonly expected?: number
      readonly after?: string
    }
  ): Promise<RequeueResult>
  /** Removes the letter for good. Rejects with `not_found`. */
  discard(id: string, options: { readonly by: string; readonly reason: string }): Promise<void>
  /** What operators did, oldest first. */
  actions(page: { readonly after?: string; readonly limit?: number }): Promise<DeadLetterAction[]>
}

/** The consumer groups. All that name one reject with `not_found` when there is no such group. */
export interface GroupTarget {
  /** By name. */
  list(): Promise<readonly GroupInfo[]>
  get(name: string): Promise<GroupInfo>
  /** In log order. Rejects with `forbidden` when the target does not show it to the caller. */
  pending(name: string, page: { readonly after?: string; readonly limit?: number }): Promise<PendingEvent[]>
  /** To `start`, `end`, behind a position, or to an instant. Rejects with `group_conflict` while members live, unless `force`. */
  seek(name: string, to: string | Date, options: { readonly force: boolean }): Promise<void>
  /** Rejects with `group_conflict` while members live or events are pending, unless `force`. */
  remove(name: string, options: { readonly force: boolean }): Promise<void>
  /** Changes how the group is pulled. Rejects with `invalid_argument` and `unknown_event_type`. */
  changePulling(name: string, change: PullSettingsChange): Promise<PullSettings>
  /** Makes another key sign the ids of deliveries. */
  rotateDeliveryKey(): Promise<void>
}

/** The API keys of the service. All but `list` and `create` reject with `not_found` when there is no such key. */
export interface KeyTarget {
  /** The oldest first. */
  list(): Promise<ListedApiKey[]>
  /** Rejects with `invalid_argument`, and with `forbidden` for scopes that the caller has not itself. */
  create(wanted: {
    readonly name: string
    readonly scopes: readonly string[]
    readonly sources?: readonly string[]
    /** ms since the epoch. */
    readonly expiresAt?: number
  }): Promise<IssuedApiKey>
  /** The old key ends `overlapMs` later. */
  rotate(id: string, options: { readonly overlapMs: number }): Promise<IssuedApiKey>
  revoke(id: string): Promise<ApiKey>
}
