import { type FSWatcher, watch } from 'node:fs'

/** How often a waiter looks all the same, where the operating system does not report changes (network and some container file systems). */
const SAFETY_POLL_MS = 500

/**
 * Rings when somebody may have written to the log's file: in this process at once, in another by a watch on the
 * write-ahead log. One for each file in a process; it watches only while somebody listens, and says nothing about what changed.
 */
export class Doorbell {
  static readonly #bells = new Map<string, Doorbell>()

  /** The bell of a log's file: the same one for all handles of this process, for as long as it runs. */
  static of(path: string): Doorbell {
    const known = Doorbell.#bells.get(path)
    if (known !== undefined) return known
    const bell = new Doorbell(path)
    Doorbell.#bells.set(path, bell)
    return bell
  }

  readonly #path: string
  readonly #listeners = new Set<() => void>()
  #watcher: FSWatcher | undefined
  #poll: NodeJS.Timeout | undefined
  #ringing = false

  private constructor(path: string) {
    this.#path = path
  }

  /** Calls `listener` at each ring until the function that it returns is called. While anybody listens, the process stays alive. */
  listen(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#hang()
    this.#listeners.add(listener)
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#unhang()
    }
  }

  /** Rings once for any number of calls in one turn of the event loop. */
  ring(): void {
    if (this.#ringing || this.#listeners.size === 0) return
    this.#ringing = true
    setImmediate(() => {
      this.#ringing = false
      for (const listener of [...this.#listeners]) listener()
    })
  }

  #hang(): void {
    this.#poll = setInterval(() => this.ring(), SAFETY_POLL_MS)
    try {
      this.#watcher = watch(`${this.#path}-wal`, { persistent: false }, () => this.ring())
      this.#watcher.on('error', () => this.#unwatch())
    } catch {
      // No watch to be had (a limit of the system): the poll is slower, and enough.
      this.#unwatch()
    }
  }

  #unhang(): void {
    clearInterval(this.#poll)
    this.#unwatch()
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
