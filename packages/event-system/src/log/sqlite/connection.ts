import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { EventSystemError } from '@tradpal/events'
import { Checkpointer } from './checkpointer.ts'
import { isBusy, toLogError } from './errors.ts'
import { FileIdentity } from './file-identity.ts'
import { exposedPaths } from './file-modes.ts'
import type { ResolvedSqliteStorageOptions } from './options.ts'
import { openDatabase } from './schema.ts'

/** The longest pause between two tries to get hold of a log that another process writes. */
const LONGEST_PAUSE_MS = 10

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/**
 * One connection to the log's file. Work on it is synchronous and short: nothing is held open while others run, so a
 * reader never keeps the write-ahead log from being folded in. What waits for another process waits without blocking.
 */
export class Connection {
  readonly options: ResolvedSqliteStorageOptions
  readonly #statements = new Map<string, StatementSync>()
  readonly #underWay = new Set<Promise<unknown>>()
  #afterCommit: (() => void)[] = []
  #database: DatabaseSync | undefined
  #checkpointer: Checkpointer | undefined
  #file: FileIdentity | undefined
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new'

  constructor(options: ResolvedSqliteStorageOptions) {
    this.options = options
  }

  async open(): Promise<void> {
    if (this.#state === 'open') return
    if (this.#state !== 'new') this.assertOpen()
    await this.#retryWhileBusy(() => {
      if (this.#state !== 'new') return
      this.#database = openDatabase(this.options.path, this.options.durability)
      this.#file = new FileIdentity(this.options.path)
      this.#checkpointer = new Checkpointer(this.#database, this.options.path)
      const exposed = exposedPaths(this.options.path)
      if (exposed.length > 0) this.options.onExposed(exposed)
    }, this.options.timeoutMs)
    if (this.#state === 'new') this.#state = 'open'
  }

  /** Waits at most `timeoutMs` for the calls under way. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'closing') return
    this.#state = 'closing'
    if (this.#underWay.size > 0) await Promise.race([Promise.allSettled(this.#underWay), pause(timeoutMs)])
    this.#state = 'closed'
    this.#statements.clear()
    const database = this.#database
    this.#database = undefined
    await this.#checkpointer?.close()
    database?.close()
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Throws `not_started` or `closed`. */
  assertOpen(): void {
    if (this.#state === 'open') return
    if (this.#state === 'new') {
      throw new EventSystemError('not_started', `The log ${this.options.path} is not started: call start() first.`)
    }
    throw new EventSystemError('closed', `The log ${this.options.path} is closed.`)
  }

  /** Throws `log_unavailable` once the file was removed or replaced: what is appended to it or read from it then is lost, or old. */
  assertFileStands(): void {
    const change = this.#file?.change()
    if (change !== undefined) throw change
  }

  /** The statement of this text, prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      if (this.#database === undefined) {
        throw new EventSystemError('closed', `The log ${this.options.path} was closed under this call.`)
      }
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** Runs statements that only read. */
  read<Result>(work: () => Result): Promise<Result> {
    return this.#call(work, this.options.timeoutMs)
  }

  /** Runs statements that only read, all of them on the same state of the log. */
  snapshot<Result>(work: () => Result): Promise<Result> {
    return this.#call(() => this.#transaction('BEGIN', work), this.options.timeoutMs)
  }

  /** Runs statements as one atomic step that nobody else's comes between. Rejects with `log_busy` when it cannot within `timeoutMs`. */
  write<Result>(work: () => Result, timeoutMs = this.options.timeoutMs): Promise<Result> {
    return this.#call(() => this.#step(work), timeoutMs)
  }

  /** As {@link write}; the bytes of what the step lets go are overwritten, where SQLite leaves them in the file otherwise. */
  overwrite<Result>(work: () => Result, timeoutMs = this.options.timeoutMs): Promise<Result> {
    return this.#call(() => {
      // As a statement that is kept it would count once: it is obeyed when it is prepared.
      this.#database?.exec('PRAGMA secure_delete = ON')
      try {
        return this.#step(work)
      } finally {
        this.#database?.exec('PRAGMA secure_delete = OFF')
      }
    }, timeoutMs)
  }

  /** Folds the write-ahead log into the file, and empties it. Resolves to whether it could within `timeoutMs`: it waits for whoever reads or writes. */
  async emptyWriteAheadLog(): Promise<boolean> {
    const deadline = performance.now() + this.options.timeoutMs
    for (;;) {
      const { busy } = await this.read(() => this.statement('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {})
      if (busy === 0) return true
      if (performance.now() >= deadline) return false
      await pause(1 + Math.random() * (LONGEST_PAUSE_MS - 1))
    }
  }

  /** Inside a step of {@link write}: what is to be done at once when it has been committed, before anybody's next step, and never when it fails. */
  afterCommit(work: () => void): void {
    this.#afterCommit.push(work)
  }

  #call<Result>(work: () => Result, timeoutMs: number): Promise<Result> {
    try {
      this.assertOpen()
      return Promise.resolve(work())
    } catch (error) {
      if (!isBusy(error)) return Promise.reject(this.#asLogError(error))
    }
    const call = this.#retryWhileBusy(work, timeoutMs)
    this.#underWay.add(call)
    const forget = () => this.#underWay.delete(call)
    call.then(forget, forget)
    return call
  }

  async #retryWhileBusy<Result>(work: () => Result, timeoutMs: number): Promise<Result> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw this.#asLogError(error)
      }
      await pause(1 + Math.random() * (LONGEST_PAUSE_MS - 1))
    }
  }

  /** SQLite fails in various ways on a file that was removed or replaced. */
  #asLogError(error: unknown): EventSystemError {
    const known = toLogError(error, this.options.path)
    return known.code === 'log_failed' ? (this.#file?.change() ?? known) : known
  }

  #step<Result>(work: () => Result): Result {
    const result = this.#transaction('BEGIN IMMEDIATE', work)
    this.#checkpointer?.committed()
    return result
  }

  #transaction<Result>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => Result): Result {
    this.statement(begin).run()
    this.#afterCommit = []
    let result: Result
    try {
      result = work()
      this.statement('COMMIT').run()
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (this.#database?.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
    for (const after of this.#afterCommit) after()
    return result
  }
}
