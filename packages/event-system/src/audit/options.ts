import { type Clock, type OptionNames, onlyOptions, systemClock } from '@tradpal/events'
import type { Storage } from '../log/index.ts'
import { type Logger, type LoggerOption, loggerOf, mustBeLog, wrong } from '../runtime/index.ts'

export interface AuditOptions {
  /** The log of the entries, and of nothing else: `system.auditLog().storage`. The audit log starts it and closes it. */
  readonly storage: Storage
  /** The clock of the entries' times and of the gathering. Default: the system's. */
  readonly clock?: Clock
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr. */
  readonly logger?: LoggerOption
  /** Entries that are older, in ms, are removed once an hour. Default: none is. */
  readonly retentionMs?: number | undefined
  /** The number of events that the program has removed from its log by itself so far: `() => system.retention.removedByItself`. Default: none. */
  readonly trimmedByItself?: () => number
}

export interface ResolvedAuditOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly retentionMs: number | undefined
  readonly trimmedByItself: () => number
}

const NAMES: OptionNames<AuditOptions> = {
  storage: true,
  clock: true,
  logger: true,
  retentionMs: true,
  trimmedByItself: true
}

/** The options with their defaults. Throws `invalid_options`. */
export function resolveAuditOptions(options: AuditOptions): ResolvedAuditOptions {
  onlyOptions('Audit', options, NAMES)
  const { storage, clock = systemClock, logger, retentionMs, trimmedByItself = () => 0 } = options
  mustBeLog(storage)
  if (retentionMs !== undefined && !(retentionMs > 0)) {
    throw wrong('retentionMs', 'a number of ms above 0', retentionMs)
  }
  return { storage, clock, logger: loggerOf(logger), retentionMs, trimmedByItself }
}
