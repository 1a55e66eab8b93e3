import { extname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

/** A log is busy with so many commits in a second that has just ended. */
const BUSY_COMMITS = 200
const SECOND_MS = 1_000
/** The write-ahead log is folded in by whoever commits at so many pages (SQLite's own default): 4 MB. */
const ALONE_PAGES = 1_000
/** While the thread folds in what comes, the rest of so many, 32 MB: then SQLite begins it anew. */
const HELPED_PAGES = 8_000
/** The thread of a log that is idle for so long ends. */
const IDLE_MS = 5_000

/** What the thread is given. */
export interface CheckpointingTask {
  readonly path: string
  readonly idleMs: number
}

/**
 * Folds the write-ahead log of a busy log into its file, in a thread of its own: that waits for the disk, and takes a fifth of an
 * appender's time otherwise. The log needs it for nothing else: until it runs, and when it has died, whoever commits does it.
 */
export class Checkpointer {
  readonly #database: DatabaseSync
  readonly #task: CheckpointingTask
  readonly #now: () => number
  #worker: Worker | undefined
  #hasFailed = false
  #commits = 0
  #countedSince: number

  /** `now`: in ms. Default: the process's monotonic clock. */
  constructor(database: DatabaseSync, path: string, { idleMs = IDLE_MS, now = () => performance.now() } = {}) {
    this.#database = database
    this.#task = { path, idleMs }
    this.#now = now
    this.#countedSince = now()
  }

  /** Whether the thread works, or starts. */
  get isHelped(): boolean {
    return this.#worker !== undefined
  }

  /** To be called after each commit. Never throws: what was committed is not to look failed. */
  committed(): void {
    this.#commits++
    const now = this.#now()
    const elapsedMs = now - this.#countedSince
    if (elapsedMs < SECOND_MS) return
    const isBusy = this.#commits >= BUSY_COMMITS && elapsedMs < 2 * SECOND_MS
    this.#commits = 0
    this.#countedSince = now
    if (isBusy && this.#worker === undefined && !this.#hasFailed) this.#start()
  }

  /** Resolves when the thread has ended. To be called before the database is closed. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('end')
    await ended
  }

  #start(): void {
    const worker = this.#newWorker()
    this.#worker = worker
    if (worker === undefined) return
    worker.unref()
    worker.once('message', () => this.#leaveToThread(HELPED_PAGES))
    worker.once('error', () => {
      this.#hasFailed = true
    })
    worker.once('exit', () => {
      this.#worker = undefined
      this.#leaveToThread(ALONE_PAGES)
    })
  }

  /** Undefined in a process that may have no thread, or no further one. */
  #newWorker(): Worker | undefined {
    const file = new URL(`./checkpointing-thread${extname(import.meta.url)}`, import.meta.url)
    try {
      return new Worker(file, { workerData: this.#task, execArgv: [] })
    } catch {
      this.#hasFailed = true
      return undefined
    }
  }

  #leaveToThread(pages: number): void {
    if (this.#database.isOpen) this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}`)
  }
}
