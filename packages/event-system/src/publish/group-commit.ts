import type { AppendEntry, AppendResult, EventLog } from '../log/index.ts'

/** A batch is closed at so many entries: where the log's throughput levels off. */
const MAX_BATCH = 500
/** So many batches may be on their way at once: the log works on one while the next travels. */
const MAX_IN_FLIGHT = 4

interface Waiting {
  readonly entry: AppendEntry
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the entries that are offered at the same moment into one append (group commit), in the order in which they
 * were offered. A lone entry goes at once; while batches are on their way the next ones gather.
 */
export class GroupCommit {
  readonly #log: EventLog
  readonly #timeoutMs: number
  #waiting: Waiting[] = []
  #inFlight = 0
  #scheduled = false
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

  /** Sends what was offered before, then these as one unit: all of them or none. */
  appendTogether(entries: readonly AppendEntry[], timeoutMs = this.#timeoutMs): Promise<AppendResult[]> {
    while (this.#waiting.length > 0) this.#send()
    return this.#track(this.#log.append(entries, { timeoutMs }))
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
    // A lone publish leaves when the caller's own turn ends; beside others it waits for the end of the loop's turn, in which
    // other callers' sockets are read.
    if (this.#inFlight === 0) queueMicrotask(this.#flush)
    else setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    while (this.#waiting.length > 0 && this.#inFlight < MAX_IN_FLIGHT) this.#send()
  }

  #send(): void {
    const batch = this.#waiting.length <= MAX_BATCH ? this.#waiting : this.#waiting.slice(0, MAX_BATCH)
    this.#waiting = this.#waiting.length <= MAX_BATCH ? [] : this.#waiting.slice(MAX_BATCH)
    const entries = batch.map(({ entry }) => entry)
    this.#track(this.#log.append(entries, { timeoutMs: this.#timeoutMs })).then(
      (results) => {
        for (let i = 0; i < batch.length; i++) batch[i]?.resolve(results[i] as AppendResult)
      },
      (error) => {
        for (const { reject } of batch) reject(error)
      }
    )
  }

  #track<Result>(append: Promise<Result>): Promise<Result> {
    this.#inFlight++
    return append.finally(() => {
      this.#inFlight--
      if (this.#waiting.length > 0) this.#schedule()
      else if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve()
    })
  }
}
