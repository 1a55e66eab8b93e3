import { type Clock, counted, EventSystemError } from '@tradpal/events'
import { choice, wholeNumber } from '../runtime/index.ts'

export interface BackpressureOptions {
  /** So many events may wait for the log, 1 or more. */
  readonly maxInFlight: number
  /** And so many bytes of them, in characters of their payloads. */
  readonly maxInFlightBytes: number
  /** `wait`: a publish waits, up to its time, until there is room. `refuse`: it rejects with `publisher_busy`. */
  readonly whenFull: 'wait' | 'refuse'
}

/** What wants to come in: how many events, and how many characters of payload. */
interface Load {
  readonly events: number
  readonly bytes: number
}

interface Waiting extends Load {
  readonly resolve: () => void
}

/** How much a publisher takes on before the log has answered. Who waits gets in in the order in which it came. */
export class Backpressure {
  readonly #options: BackpressureOptions
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()
  #events = 0
  #bytes = 0

  /** Throws `invalid_options`. */
  constructor({ maxInFlight, maxInFlightBytes, whenFull }: BackpressureOptions, clock: Clock) {
    this.#options = {
      maxInFlight: wholeNumber('maxInFlight', maxInFlight, 1),
      maxInFlightBytes: wholeNumber('maxInFlightBytes', maxInFlightBytes, 1),
      whenFull: choice('whenFull', whenFull, ['wait', 'refuse'])
    }
    this.#clock = clock
  }

  get inFlight(): Load {
    return { events: this.#events, bytes: this.#bytes }
  }

  /**
   * Comes in: at once, or when there is room, which the promise tells. It rejects with `publisher_busy` when there is none in
   * time, or at once where that was asked for. What is larger than all the room comes in behind less than that.
   */
  enter(load: Load, timeoutMs: number, whenFull = this.#options.whenFull): Promise<void> | undefined {
    if (this.#waiting.size > 0 || !this.#isBelow()) {
      return whenFull === 'refuse' ? Promise.reject(this.#busy()) : this.#wait(load, timeoutMs)
    }
    this.#count(load, 1)
    return undefined
  }

  leave(load: Load): void {
    this.#count(load, -1)
    for (const waiting of this.#waiting) {
      if (!this.#isBelow()) return
      this.#waiting.delete(waiting)
      this.#count(waiting, 1)
      waiting.resolve()
    }
  }

  /** Resolves when there is room. */
  async ready(): Promise<void> {
    if (this.#waiting.size > 0 || !this.#isBelow()) await this.#wait({ events: 0, bytes: 0 }, Number.POSITIVE_INFINITY)
  }

  async #wait(load: Load, timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = { events: load.events, bytes: load.bytes, resolve }
    this.#waiting.add(waiting)
    const stop = new AbortController()
    const timeIsUp = this.#clock.sleep(timeoutMs, stop.signal).then(
      () => {
        this.#waiting.delete(waiting)
        throw this.#busy()
      },
      () => {}
    )
    await Promise.race([promise, timeIsUp]).finally(() => stop.abort())
  }

  #count({ events, bytes }: Load, sign: 1 | -1): void {
    this.#events += sign * events
    this.#bytes += sign * bytes
  }

  #isBelow(): boolean {
    const { maxInFlight, maxInFlightBytes } = this.#options
    return this.#events < maxInFlight && this.#bytes < maxInFlightBytes
  }

  #busy(): EventSystemError {
    const { maxInFlight, maxInFlightBytes } = this.#options
    const message = `${counted(this.#events, 'event')} with ${counted(this.#bytes, 'byte')} wait for the log, of ${maxInFlight} (maxInFlight) and ${maxInFlightBytes} (maxInFlightBytes); nothing was written.`
    return new EventSystemError('publisher_busy', message)
  }
}
