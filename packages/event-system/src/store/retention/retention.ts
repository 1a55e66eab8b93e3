import { hash, randomUUID } from 'node:crypto'
import { type Clock, EventSystemError, onlyOptions } from '@tradpal/events'
import type { Storage, TrimOptions, TrimResult } from '../../log/index.ts'
import {
  diagnostics,
  type Logger,
  type LoggerOption,
  loggerOf,
  mustBeLog,
  type TrimmedMessage
} from '../../runtime/index.ts'
import { faultsOfPolicy, type RetentionPolicy } from './policy.ts'
import { TrimByRule } from './trim-by-rule.ts'
import { trimLog } from './trim-log.ts'

/** So often, in ms, the log is held against the policy. */
const INTERVAL_MS = 60_000
/** A process that has not enforced the policy for so long leaves that to another, in ms. */
const LEASE_MS = 3 * INTERVAL_MS

export interface RetentionParts {
  /** A started log. */
  readonly storage: Storage
  readonly clock: Clock
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  /** What is kept. Default: everything. */
  readonly policy?: RetentionPolicy | undefined
}

export interface EnforceOptions extends TrimOptions {
  /** Another policy than that of the system. */
  readonly policy?: RetentionPolicy | undefined
  readonly signal?: AbortSignal
}

/**
 * What a log keeps. Events beyond the limits are removed, oldest first, in bounded steps between which others have their
 * turn. What a group has not acknowledged stays, unless forced: of a log without limits by type also all behind it.
 */
export class Retention {
  readonly policy: RetentionPolicy | undefined
  readonly #parts: RetentionParts
  readonly #logger: Logger
  readonly #stop = new AbortController()
  readonly #holder = randomUUID()
  /** Of the system's own policy, so that the log is read only once. */
  #byRule: TrimByRule | undefined
  #running: Promise<void> | undefined
  #hasKept = false
  #removedByItself = 0
  /** One at a time: they share what is remembered of the log. */
  #last: Promise<unknown> = Promise.resolve()

  /** Throws `invalid_options` for a policy that makes no sense. */
  constructor(parts: RetentionParts) {
    onlyOptions('Retention', parts, { storage: true, clock: true, logger: true, policy: true })
    mustBeLog(parts.storage)
    if (parts.policy !== undefined) mustBePolicy(parts.policy, 'invalid_options')
    this.#parts = parts
    this.#logger = loggerOf(parts.logger)
    this.policy = parts.policy
  }

  /**
   * Removes now what is beyond the limits, and resolves to how much that was, what of it some group had not acknowledged
   * (only with `force`), and whether the guard kept some. With `dryRun` it only says so. Rejects with `invalid_argument`.
   */
  async enforce(wanted: EnforceOptions = {}): Promise<TrimResult> {
    onlyOptions('enforce()', wanted, { policy: true, signal: true, force: true, dryRun: true })
    const { policy = this.policy, signal, ...options } = wanted
    if (policy === undefined) {
      throw new EventSystemError('invalid_argument', 'There is no retention policy: say what to keep.')
    }
    mustBePolicy(policy, 'invalid_argument')
    const trimming = this.#last.then(() => this.#trim(policy, options, signal))
    this.#last = trimming.catch(() => {})
    const result = await trimming
    if (!options.dryRun) this.#tell(result)
    return result
  }

  #tell({ removed, lost, lostByGroup, lostByCursor }: TrimResult): void {
    const { storage } = this.#parts
    if (removed > 0) diagnostics.trimmed.publish({ storage, removed, lostByGroup } satisfies TrimmedMessage)
    if (lost > 0) {
      this.#logger.error(
        { removed, lost, lostByGroup, lostByCursor },
        'events were removed that consumer groups had not acknowledged'
      )
    }
  }

  async #trim(policy: RetentionPolicy, options: TrimOptions, signal?: AbortSignal): Promise<TrimResult> {
    const { storage, clock } = this.#parts
    if (Object.keys(policy.byType ?? {}).length === 0) {
      return trimLog(storage, policy, { ...options, now: clock.now() })
    }
    const isOwn = policy === this.policy
    const trim = (isOwn ? this.#byRule : undefined) ?? new TrimByRule(policy, this.#parts)
    if (isOwn) this.#byRule = trim
    return trim.run({ ...options, ...(signal === undefined ? {} : { signal }) })
  }

  /** How many events were removed since {@link start} without anybody's call. */
  get removedByItself(): number {
    return this.#removedByItself
  }

  /**
   * Enforces the policy every minute, until {@link close}: of the processes over the log that have the same policy, one does. Without a
   * policy it does nothing.
   */
  start(): void {
    if (this.policy !== undefined) this.#running ??= this.#run()
  }

  /** Ends what {@link start} began. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    if (this.#running === undefined) return
    await this.#running
    await this.#parts.storage.leases.release([this.#lease], this.#holder).catch(() => {})
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        if (await this.#isOurs()) this.#report(await this.enforce({ signal }))
      } catch (error) {
        if (!signal.aborted) this.#logger.warn({ err: error }, 'retention failed; it is tried again in a minute')
      }
      await this.#parts.clock.sleep(INTERVAL_MS, signal).catch(() => {})
    }
  }

  async #isOurs(): Promise<boolean> {
    const terms = { holder: this.#holder, ttlMs: LEASE_MS }
    const [token] = await this.#parts.storage.leases.acquire([this.#lease], terms)
    return token !== undefined
  }

  get #lease(): string {
    return `retention/${hash('sha256', JSON.stringify(this.policy), 'hex').slice(0, 16)}`
  }

  #report({ removed, guarded }: TrimResult): void {
    this.#removedByItself += removed
    if (removed > 0) this.#logger.info({ removed }, 'retention removed events')
    if (guarded && !this.#hasKept) {
      this.#logger.warn({}, 'retention keeps events beyond their limit: a consumer group has not acknowledged them')
    }
    this.#hasKept = guarded
  }
}

function mustBePolicy(policy: RetentionPolicy, code: 'invalid_options' | 'invalid_argument'): void {
  const faults = faultsOfPolicy(policy)
  if (faults.length > 0) throw new EventSystemError(code, faults.join('\n'))
}
