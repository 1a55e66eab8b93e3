import type { AppendEntry, AppendResult, EventLog } from '../log/index.ts'

/** A batch is closed at so many entries: where the log's throughput levels off. */
const MAX_BATCH = 1_000
/** So many batches may be on their way at once: the log works on one while the next travels. */
const MAX_IN_FLIGHT = 4

interface Waiting {
  readonly entry: AppendEntry
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the entries that are offered at the same moment into one append (group commit), in the order in which they
 * were offered. The first entry of a turn of the event loop goes when its caller's own work ends; what the turn brings
 * after it, from other callers and other sockets, goes together at the turn's end. So a lone publisher waits for nobody, a
 * busy service appends once a turn, and a log that answers synchronously starves nobody.
 */
export class GroupCommit {
  readonly #log: EventLog
  readonly #timeoutMs: number
  #waiting: Waiting[] = []
  #inFlight = 0
  #scheduled = false
  #sentInThisTurn = false
  #idle: (() => void)[] = []

  constructor(log: EventLog, timeoutMs: number) {
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  append(entry: AppendEntry): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject })
      this.#schedule()
    })
  }

  /** Sends what was offered before, then these as one unit: all of them or none. Resolves in a later turn of the event loop. */
  async appendTogether(entries: readonly AppendEntry[], timeoutMs = this.#timeoutMs): Promise<AppendResult[]> {
    while (this.#waiting.length > 0) this.#send()
    this.#inFlight++
    try {
      return await this.#log.append(entries, { timeoutMs })
    } finally {
      this.#answered()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when everything offered so far is answered, well or not. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#inFlight > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= MAX_IN_FLIGHT) return
    this.#scheduled = true
    if (this.#inFlight === 0 && !this.#sentInThisTurn) queueMicrotask(this.#flush)
    else setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    while (this.#waiting.length > 0 && this.#inFlight < MAX_IN_FLIGHT) this.#send()
  }

  #send(): void {
    this.#sentInThisTurn = true
    setImmediate(this.#turnEnded)
    const batch = this.#waiting.length <= MAX_BATCH ? this.#waiting : this.#waiting.slice(0, MAX_BATCH)
    this.#waiting = this.#waiting.length <= MAX_BATCH ? [] : this.#waiting.slice(MAX_BATCH)
    const entries = batch.map(({ entry }) => entry)
    this.#inFlight++
    this.#log.append(entries, { timeoutMs: this.#timeoutMs }).then(
      (results) => {
        this.#answered()
        for (let i = 0; i < batch.length; i++) batch[i]?.resolve(results[i] as AppendResult)
      },
      (error) => {
        this.#answered()
        for (const { reject } of batch) reject(error)
      }
    )
  }

  readonly #turnEnded = (): void => {
    this.#sentInThisTurn = false
  }

  #answered(): void {
    this.#inFlight--
    if (this.#waiting.length > 0) this.#schedule()
    else if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
