/**
 * Every code that an {@link EventSystemError} can carry, with what it means and whether trying the same call again,
 * unchanged, can help. Callers switch on the code, never on the message. docs/errors.md is generated from this table.
 */
export const ERROR_CODES = {
  // what was given
  invalid_json: { retryable: false, meaning: 'A text is not JSON, or an object in it has a member twice.' },
  invalid_event: { retryable: false, meaning: 'An event lacks a part, or a part has the wrong form.' },
  invalid_data: { retryable: false, meaning: "What an event carries does not fit its type's schema." },
  not_representable: {
    retryable: false,
    meaning:
      'A value that JSON or a JavaScript number would change in silence: a decimal that a double cannot hold, NaN, undefined, a cycle, a Date, a lone surrogate.'
  },
  unknown_event_type: { retryable: false, meaning: 'No such event type is registered.' },
  invalid_event_type: {
    retryable: false,
    meaning: 'An event type cannot be registered under this name or with this schema.'
  },
  invalid_options: {
    retryable: false,
    meaning: 'An option or an environment variable has a wrong value, or two contradict each other.'
  },
  invalid_argument: { retryable: false, meaning: 'An argument of a call has a wrong value.' },
  invalid_message_id: { retryable: false, meaning: 'A text is no message id of this log.' },
  // what was asked for
  not_found: { retryable: false, meaning: 'No such event, group or dead letter.' },
  unsupported: { retryable: false, meaning: 'The log declares that it cannot do this.' },
  entry_trimmed: { retryable: false, meaning: 'The entry is no longer in the log.' },
  // the state of things
  not_started: { retryable: false, meaning: 'Called before `start()` or `initialize()`.' },
  closed: { retryable: false, meaning: 'Called after, or cut short by, `close()`.' },
  aborted: { retryable: false, meaning: "The caller's signal was aborted." },
  log_unavailable: { retryable: true, meaning: 'The log cannot be reached; nothing was written.' },
  log_moved: {
    retryable: true,
    meaning: 'The log is being handed to another server, and is looked for there; nothing was written.'
  },
  log_timeout: {
    retryable: true,
    meaning:
      'The log did not answer in time; whether it wrote is unknown. The same event id may be published again: deduplication tells.'
  },
  log_busy: { retryable: true, meaning: 'Another process held the log for too long; nothing was written.' },
  log_full: { retryable: true, meaning: 'The disk or the memory of the log is full; nothing was written.' },
  spool_full: {
    retryable: true,
    meaning: 'The log cannot be reached, and the spool holds as much as it may; nothing was kept.'
  },
  publisher_busy: {
    retryable: true,
    meaning: 'As many publishes wait for the log as may wait; nothing was written.'
  },
  log_read_only: { retryable: false, meaning: 'The log cannot be written here.' },
  log_refused: {
    retryable: false,
    meaning: 'The log refused the credentials or the command, or a certificate is refused.'
  },
  log_incompatible: {
    retryable: false,
    meaning: 'The file or the key is no log, or a log in the layout of another version.'
  },
  log_failed: {
    retryable: false,
    meaning: 'The log failed in a way that this version has no name for; `cause` has the original.'
  },
  handler_failed: { retryable: false, meaning: 'A handler threw.' },
  handler_timeout: { retryable: true, meaning: 'A handler took longer than its `timeoutMs`.' },
  delivery_lost: {
    retryable: false,
    meaning: 'Another consumer has the delivery now, or its group is gone: what is done with it here does not count.'
  },
  step_interrupted: {
    retryable: false,
    meaning: 'A step of `context.once()` began and was cut off by a crash: whether it took effect is unknown.'
  },
  group_conflict: {
    retryable: false,
    meaning:
      'A consumer group is in use in a way that this call contradicts: by live members, cut into other partitions, or pulled with other event types. Or the log has as many groups as it may.'
  },
  version_conflict: {
    retryable: false,
    meaning:
      'A stream key has another version than the publish expected: something else was published meanwhile. Nothing was written.'
  },
  event_id_conflict: {
    retryable: false,
    meaning:
      'The event id was published before with another type or other data: this event was not written. Of a batch, every other event is in the log.'
  },
  // how it is protected
  key_missing: {
    retryable: true,
    meaning:
      'What was asked for is encrypted with a key that is not among the keys here: roll it out, and it can be read.'
  },
  shredded: {
    retryable: false,
    meaning:
      'The key of the customer whose event it is was destroyed on purpose: what it encrypted is gone for good, and nothing more is published for them.'
  },
  decryption_failed: {
    retryable: false,
    meaning: 'What is encrypted was changed, cut short, or belongs to another event: it cannot be read.'
  },
  unknown_encoding: {
    retryable: false,
    meaning:
      'The envelope of a stored event or text names a stage or a version that this release does not know, or has another form: a newer release, or another program, wrote it.'
  },
  not_encrypted: {
    retryable: false,
    meaning: 'An event is not encrypted where only encrypted ones are read (EVENT_REQUIRE_ENCRYPTION).'
  },
  invalid_signature: {
    retryable: false,
    meaning:
      'An event has no signature where one is required, or one that is not right: somebody else wrote it, or changed it.'
  },
  // who may do it
  unauthenticated: {
    retryable: false,
    meaning: 'Credentials are missing, unknown, expired or revoked.'
  },
  issuer_unavailable: {
    retryable: true,
    meaning:
      'The issuer of a token does not say which keys it has, so nobody can know whether the token is genuine; nothing was done.'
  },
  forbidden: { retryable: false, meaning: 'Who asks may not do this; nothing was done.' },
  rate_limited: {
    retryable: true,
    meaning:
      'Who asks has used up what they may do in this time; nothing was done. Retry-After says when there is more.'
  },
  audit_unavailable: {
    retryable: true,
    meaning: 'The audit log does not take an entry, and this is not done unrecorded: nothing was done.'
  },
  // over HTTP
  service_unavailable: { retryable: true, meaning: 'The service cannot be reached or is shedding load.' },
  service_timeout: { retryable: true, meaning: 'The service did not answer in time.' },
  http_error: { retryable: false, meaning: 'The service answered with an error that has no code.' },
  payload_too_large: { retryable: false, meaning: 'An event, a batch or a body is larger than is taken.' },
  unsupported_media_type: { retryable: false, meaning: 'A body has a content type that the endpoint does not take.' }
} as const satisfies Record<string, { retryable: boolean; meaning: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** One of several things that are wrong with what was given. */
export interface Fault {
  /** JSON pointer (RFC 6901) of the value that is wrong, from the root of what was given. */
  readonly pointer: string
  /** A sentence that says what is wrong with it. */
  readonly detail: string
}

export interface EventSystemErrorOptions {
  /** The error underneath. */
  cause?: unknown
  /** JSON pointer (RFC 6901) of the value that is wrong, from the root of what was given. */
  pointer?: string
  /** Where several values are wrong: each of them, at most 10. */
  errors?: readonly Fault[]
  /** In a batch: the index of the event that is wrong, from 0. */
  index?: number
  /** Of a `version_conflict`: the key, the version that was expected of it, and the one that it has. */
  streamKey?: string
  expectedVersion?: number
  actualVersion?: number
  /** Of an `event_id_conflict` in a batch: the indexes of all events in conflict, from 0. The others are in the log. */
  conflicts?: readonly number[]
  /** When trying again can help, where that is known. */
  retryAfterMs?: number | undefined
  /** Overrides what the table of codes says, where one occurrence differs. */
  retryable?: boolean
}

/** Whether the same call, unchanged, may succeed later. What is no error of ours says nothing of that. */
export function isRetryable(error: unknown): error is EventSystemError {
  return error instanceof EventSystemError && error.retryable
}

/** The one error class of the event system. `message` is a sentence that says what is wrong and where. */
export class EventSystemError extends Error {
  override readonly name = 'EventSystemError'
  readonly code: ErrorCode
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean
  readonly pointer: string | undefined
  /** Where several values are wrong: each of them, the first of which is the one at `pointer`. At most 10. */
  readonly errors: readonly Fault[] | undefined
  readonly index: number | undefined
  readonly streamKey: string | undefined
  readonly expectedVersion: number | undefined
  readonly actualVersion: number | undefined
  readonly conflicts: readonly number[] | undefined
  /** In how many ms trying the same call again can help, where that is known. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: EventSystemErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable
    this.pointer = options.pointer
    this.errors = options.errors
    this.index = options.index
    this.streamKey = options.streamKey
    this.expectedVersion = options.expectedVersion
    this.actualVersion = options.actualVersion
    this.conflicts = options.conflicts
    this.retryAfterMs = options.retryAfterMs
  }
}
