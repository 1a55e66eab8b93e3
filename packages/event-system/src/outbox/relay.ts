import { backoffMs, EventSystemError } from '@tradpal/events'
import { type Delivered, deliver } from './delivery.ts'
import { Lease } from './lease.ts'
import type { ResolvedOutboxOptions } from './options.ts'

const BACKOFF = { initialMs: 50, maxMs: 5_000 }
const NOTHING: Delivered = { published: [], refused: [] }

/** An attempt of the relay that failed: the log or the database was away. */
export interface RelayFailure {
  readonly code: string | null
  readonly message: string
  /** ms since the epoch. */
  readonly at: number
}

/**
 * Follows the table: publishes what waits and removes it once the publish resolved, for as long as it holds the lease.
 * What fails is said once, and tried again after a while, longer each time; the rows stay meanwhile.
 */
export class Relay {
  readonly #options: ResolvedOutboxOptions<never, unknown>
  readonly #lease: Lease
  readonly #closing = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** What became of events that the table does not know yet. */
  #unsettled = NOTHING
  #offered = 0
  #failures = 0
  #lastFailure: RelayFailure | null = null
  #resting: AbortController | undefined
  #isWoken = false
  #isAbandoned = false

  constructor(options: ResolvedOutboxOptions<never, unknown>) {
    this.#options = options
    this.#lease = new Lease(options)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Has it look now. A log that is away is not tried earlier for that. */
  wake(): void {
    this.#isWoken = true
    this.#resting?.abort()
  }

  get isRelaying(): boolean {
    return this.#lease.isHeld
  }

  get lastFailure(): RelayFailure | null {
    return this.#lastFailure
  }

  /** How many attempts have failed since the last one that did not. */
  get failures(): number {
    return this.#failures
  }

  /** Resolves when what is on its way is answered and removed, and the lease is left to others. */
  async finish(): Promise<void> {
    this.#closing.abort()
    this.#resting?.abort()
    await this.#running
  }

  /** Has it touch the table no more. Returns how many events are on their way: what became of them is unknown. */
  abandon(): number {
    this.#isAbandoned = true
    return this.#offered
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#isWoken = false
      try {
        await this.#rest(await this.#round())
      } catch (error) {
        await this.#waitOut(error)
      }
    }
    if (!this.#isAbandoned) await this.#lease.release().catch(() => {})
  }

  /** One look at the table. Resolves to how long to rest, in ms. */
  async #round(): Promise<number> {
    const { store, publisher, batchSize, pollMs } = this.#options
    await this.#settle()
    if (!(await this.#lease.hold())) return this.#lease.lookAgainMs
    const rows = await store.waiting(batchSize)
    if (rows.length > 0 && !this.#lease.isHeld) return 0
    this.#offered = rows.length
    const delivered = await deliver(rows, publisher, () => this.#lease.isHeld && !this.#isAbandoned)
    this.#offered = 0
    for (const error of delivered.conflicts ?? []) {
      this.#options.logger.warn(
        { err: error },
        'events of the outbox were dropped: their event ids stand for other events'
      )
    }
    this.#unsettled = delivered
    if (!this.#isAbandoned) await this.#settle()
    if (delivered.failure !== undefined) throw delivered.failure
    this.#recovered()
    return rows.length < batchSize ? pollMs : 0
  }

  /** Tells the table what became of events. When it cannot be told, it is told before anything else: what is published is not published again. */
  async #settle(): Promise<void> {
    const { store, clock } = this.#options
    const { published } = this.#unsettled
    if (published.length > 0) await store.remove(published)
    this.#unsettled = { ...this.#unsettled, published: [] }
    for (const { id, error } of this.#unsettled.refused) {
      await store.setAside(id, { ...described(error), at: clock.now() })
      this.#options.logger.error({ id, err: error }, 'an event of the outbox was refused for good and is set aside')
    }
    this.#unsettled = NOTHING
  }

  async #rest(ms: number): Promise<void> {
    // A database that answers synchronously would keep everybody else waiting until the table is empty.
    await new Promise((resolve) => setImmediate(resolve))
    if (ms === 0 || this.#isWoken || this.#closing.signal.aborted) return
    this.#resting = new AbortController()
    await this.#options.clock.sleep(ms, this.#resting.signal).catch(() => {})
  }

  async #waitOut(error: unknown): Promise<void> {
    const { logger, clock } = this.#options
    this.#lastFailure = { ...described(error), at: clock.now() }
    if (this.#failures++ === 0) logger.warn({ err: error }, 'the outbox cannot publish; it waits and tries again')
    await clock.sleep(backoffMs(this.#failures, BACKOFF), this.#closing.signal).catch(() => {})
  }

  #recovered(): void {
    if (this.#failures === 0) return
    this.#options.logger.info({ failures: this.#failures }, 'the outbox publishes again')
    this.#failures = 0
  }
}

function described(error: unknown): { code: string | null; message: string } {
  if (error instanceof EventSystemError) return { code: error.code, message: error.message }
  return { code: null, message: error instanceof Error ? error.message : String(error) }
}
