import type * as Api from '@tradpal/event-api'
import {
  ERROR_CODES,
  type ErrorCode,
  EventSystemError,
  type EventSystemErrorOptions,
  type Fault
} from '@tradpal/events'
import type { FieldsOf, ObjectReading } from './json-object.ts'

/** A problem document (RFC 9457) as the service writes it. */
export interface Problem {
  readonly type?: string
  readonly title?: string
  readonly status?: number
  /** A sentence that says what is wrong and where. */
  readonly detail?: string
  readonly instance?: string
  /** The code of the {@link EventSystemError} in the service. */
  readonly code?: string
  /** JSON pointer of the value that is wrong. */
  readonly pointer?: string
  /** Where several values are wrong: each of them, at most 10. */
  readonly errors?: readonly Fault[]
  /** In a batch: the index of the event that is wrong. */
  readonly index?: number
  /** Of a `version_conflict`: the key, the version that was expected of it, and the one that it has. */
  readonly stream_key?: string
  readonly expected_version?: number
  readonly actual_version?: number
  /** Of an `event_id_conflict` in a batch: the indexes of all events in conflict. The others are in the log. */
  readonly conflicts?: readonly number[]
  readonly [member: string]: unknown
}

export interface ServiceErrorOptions extends EventSystemErrorOptions {
  readonly status: number
  readonly problem?: Problem | undefined
}

/**
 * The service answered, and the answer is an error. Its `code` is the problem document's when that is one of the event
 * system's; else `unauthenticated` for 401, `forbidden` for 403, `rate_limited` for 429, `service_unavailable` for 502, 503
 * and 504, and `http_error` for every other.
 */
export class ServiceError extends EventSystemError {
  /** The HTTP status. */
  readonly status: number
  /** The whole problem document. Undefined when the answer was none: a proxy's page, for example. */
  readonly problem: Problem | undefined

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions) {
    super(code, message, options)
    this.status = options.status
    this.problem = options.problem
  }
}

/** What a status says alone, of something in front of the service that knows none of its codes. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  429: 'rate_limited',
  502: 'service_unavailable',
  503: 'service_unavailable',
  504: 'service_unavailable'
}
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

/** Whether another attempt can help, as far as the client tries by itself: the service was not reached, or its status says that this passes. */
export function mayPass(error: EventSystemError): boolean {
  return error instanceof ServiceError ? PASSING_STATUSES.has(error.status) : error.retryable
}

/** What an answer says went wrong. `call` names the request, for the sentence: `POST /events`. */
export function serviceErrorOf(
  call: string,
  answer: Pick<ServiceErrorOptions, 'status' | 'retryAfterMs' | 'cause'> & { readonly problem: Problem | undefined }
): ServiceError {
  const { status, problem } = answer
  const fields: FieldsOf<Api.Problem> = problem ?? {}
  const { pointer, errors, index, stream_key: streamKey, conflicts } = fields
  const { expected_version: expectedVersion, actual_version: actualVersion } = fields
  const code = ownCode(fields.code) ?? CODES[status] ?? 'http_error'
  return new ServiceError(code, sentence(call, status, problem), {
    ...answer,
    retryable: PASSING_STATUSES.has(status) || ERROR_CODES[code].retryable,
    ...(typeof pointer === 'string' && { pointer }),
    ...(Array.isArray(errors) && { errors: errors.filter(isFault) }),
    ...(typeof index === 'number' && { index }),
    ...(typeof streamKey === 'string' && { streamKey }),
    ...(typeof expectedVersion === 'number' && { expectedVersion }),
    ...(typeof actualVersion === 'number' && { actualVersion }),
    ...(Array.isArray(conflicts) && { conflicts: conflicts.filter((index) => typeof index === 'number') })
  })
}

/** What went wrong after the service had begun a stream with 200: the problem document in it has the status. */
export function failureInStream(call: string, { object: problem, cause }: ObjectReading): ServiceError {
  const status = typeof problem?.status === 'number' ? problem.status : 500
  return serviceErrorOf(call, { status, problem, cause })
}

/** Milliseconds that a Retry-After header asks for, given in seconds or as a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

function isFault(value: unknown): value is Fault {
  const { pointer, detail } = (value ?? {}) as Partial<Record<string, unknown>>
  return typeof pointer === 'string' && typeof detail === 'string'
}

function ownCode(code: unknown): ErrorCode | undefined {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined
}

function sentence(call: string, status: number, problem: Problem | undefined): string {
  const said = problem?.detail ?? problem?.title
  return typeof said === 'string' && said !== ''
    ? said
    : `The service answered ${call} with status ${status} and did not say why.`
}
