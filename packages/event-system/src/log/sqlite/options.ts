import { resolve } from 'node:path'
import { type Clock, EventSystemError, type OptionNames, onlyOptions, systemClock } from '@tradpal/events'
import type { ExposedPath } from './file-modes.ts'

/** How an embedded log is opened. */
export interface SqliteStorageOptions {
  /** The log's file. It and its folders are created, for their owner alone, when they are not there. Default `./data/tradpal_events.db`. */
  readonly path?: string
  /**
   * What an append that resolved survives. `os`: the end of this process, however it ends, but not the loss of power or
   * of the operating system, which may take the last seconds. `disk`: those too; each append waits for the disk. Default `os`.
   */
  readonly durability?: 'os' | 'disk'
  /** For how long an event id that was appended is a duplicate, in ms; the same for every handle on one log. 0: never. Default 120,000. */
  readonly deduplicationWindowMs?: number
  /** How long a call waits while another process writes, in ms; then it rejects with `log_busy`. Default 5,000. */
  readonly timeoutMs?: number
  /** Stamps entries and measures idle times. Default: the system's. */
  readonly clock?: Clock
  /** Called when the log is opened, if its files can be read or written by others than their owner, or anybody can replace them. Default: nobody is told. */
  readonly onExposed?: (exposed: readonly ExposedPath[]) => void
}

const NAMES: OptionNames<SqliteStorageOptions> = {
  path: true,
  durability: true,
  deduplicationWindowMs: true,
  timeoutMs: true,
  clock: true,
  onExposed: true
}

export type ResolvedSqliteStorageOptions = Required<SqliteStorageOptions>

/** The options with their defaults; `path` absolute. Throws `invalid_options`. */
export function resolveSqliteStorageOptions(options: SqliteStorageOptions): ResolvedSqliteStorageOptions {
  onlyOptions('SqliteStorage', options, NAMES)
  const {
    path = './data/tradpal_events.db',
    durability = 'os',
    deduplicationWindowMs = 120_000,
    timeoutMs = 5_000,
    clock = systemClock,
    onExposed = () => {}
  } = options
  if (typeof path !== 'string' || path.trim() === '') {
    throw new EventSystemError('invalid_options', `path must be the file of the log, got ${JSON.stringify(path)}.`)
  }
  if (durability !== 'os' && durability !== 'disk') {
    throw new EventSystemError('invalid_options', `durability is '${String(durability)}': it is 'os' or 'disk'.`)
  }
  for (const [name, value] of Object.entries({ deduplicationWindowMs, timeoutMs })) {
    if (!Number.isFinite(value) || value < 0) {
      throw new EventSystemError('invalid_options', `${name} is ${value}: it is a number of ms, 0 or more.`)
    }
  }
  return { path: resolve(path), durability, deduplicationWindowMs, timeoutMs, clock, onExposed }
}
