import type { Connection } from './connection.ts'
import type { Doorbell } from './doorbell.ts'

const TIDE = 'SELECT last_id + moves AS tide FROM state'

/**
 * After a ring that nothing has come of yet, when to look again, in ms: the file's bytes change shortly before SQLite
 * lets readers see the commit, by a sync of the disk at most.
 */
const SECOND_LOOKS_MS = [1, 1, 2, 4, 8, 16, 32, 64, 128]

/** Tells waiting readers of one handle that the log has grown or a group was moved. */
export class Tide {
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #waiters = new Set<(level: number) => void>()
  #listening = 0
  #stopListening: (() => void) | undefined
  #secondLook: NodeJS.Timeout | undefined
  #level = 0

  constructor(connection: Connection, doorbell: Doorbell) {
    this.#connection = connection
    this.#doorbell = doorbell
  }

  /** Rises with every append and every move of a group. */
  level(): number {
    return Number(this.#connection.statement(TIDE).get()?.tide)
  }

  /** Tells the readers of this process, at once, that there is something to look at. */
  ring(): void {
    this.#doorbell.ring()
  }

  /** From here on until it is disposed of, no rise goes unnoticed. Take it before the first look at the log. */
  listen(): Disposable {
    if (this.#listening === 0) this.#stopListening = this.#doorbell.listen(() => this.#look(0))
    this.#listening += 1
    let over = false
    return {
      [Symbol.dispose]: () => {
        if (over) return
        over = true
        this.#listening -= 1
        if (this.#listening > 0) return
        clearTimeout(this.#secondLook)
        this.#stopListening?.()
      }
    }
  }

  /** Resolves when the tide is above `level`, the time is up, or one of the signals is aborted: the caller looks which. */
  rise(level: number, signals: readonly AbortSignal[], waitMs = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        this.#waiters.delete(onRise)
        for (const signal of signals) signal.removeEventListener('abort', finish)
        clearTimeout(timer)
        resolve()
      }
      const onRise = (reached: number) => {
        if (reached > level) finish()
      }
      const timer = Number.isFinite(waitMs) ? setTimeout(finish, waitMs) : undefined
      if (signals.some(({ aborted }) => aborted) || this.level() > level) return finish()
      this.#waiters.add(onRise)
      for (const signal of signals) signal.addEventListener('abort', finish)
    })
  }

  #look(attempt: number): void {
    clearTimeout(this.#secondLook)
    if (!this.#connection.isOpen) return
    const before = this.#level
    this.#level = this.#levelOrBeyond()
    for (const waiter of [...this.#waiters]) waiter(this.#level)
    const delay = SECOND_LOOKS_MS[attempt]
    if (this.#level === before && delay !== undefined && this.#waiters.size > 0) {
      this.#secondLook = setTimeout(() => this.#look(attempt + 1), delay)
    }
  }

  /** A log that cannot be read wakes everybody: each then finds out by its own call. */
  #levelOrBeyond(): number {
    try {
      return this.level()
    } catch {
      return Number.POSITIVE_INFINITY
    }
  }
}
