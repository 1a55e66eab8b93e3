import type { EventClient } from '@tradpal/event-client'
import type { Environment, EventSystem, JsonObject } from '@tradpal/event-system'
import type { AuditAction } from '@tradpal/event-system/audit'

/** As whom a command publishes where nobody else is known. */
export const COMMAND_LINE = 'command_line'

/** The service that a command speaks to, over HTTP, or in this process over a log that it opens. Errors are `EventSystemError`s. */
export interface Service extends AsyncDisposable {
  readonly client: EventClient
  /** Where it is, without secrets. */
  readonly location: string
  /** The source of an event that names none: empty where the service knows who asks, and names them itself. */
  readonly source: string
  /** The time, in ms, that a call may take whose work follows the size of the log: a count, a trim, a verification. */
  readonly longTimeoutMs: number
  /** The most that a page may hold. */
  readonly largestPage: number
  /** The log that was opened with --log or --redis. Undefined of a service over HTTP. */
  readonly opened: OpenedLog | undefined
}

/** A log that the command has opened itself. */
export interface OpenedLog {
  readonly system: EventSystem
  /** How many entries its reads met that are no event, and passed over. */
  passedOver(): number
  /** Does something and records it, where that is wanted. Rejects with `audit_unavailable`, nothing done. */
  record<T>(
    action: AuditAction,
    what: JsonObject,
    work: () => Promise<T>,
    resultOf?: (value: T) => JsonObject
  ): Promise<T>
}

export interface OpenServiceOptions {
  readonly env: Environment
  /** Whether a log file that is not there is made. Default false. */
  readonly create?: boolean
}
