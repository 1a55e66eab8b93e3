import { setTimeout as sleep } from 'node:timers/promises'
import { type Event, EventSystemError, onlyOptions } from '@tradpal/events'
import { checkedTimeout, type OutboxOptions, type ResolvedOutboxOptions, resolveOutboxOptions } from './options.ts'
import { Relay, type RelayFailure } from './relay.ts'
import type { SetAsideEvent } from './store.ts'

/** How an outbox stands. */
export interface OutboxStats {
  /** Events that were committed and are not published yet. */
  readonly waiting: number
  /** How long the oldest of them has waited, in ms; 0 when none waits. */
  readonly oldestAgeMs: number
  /** Events that were refused for good: see `setAsideEvents()`. */
  readonly setAside: number
  /** Whether the relay of this process is the one that publishes. */
  readonly isRelaying: boolean
  /** How many attempts of this relay have failed since one succeeded; 0 while all is well. */
  readonly failures: number
  /** The last failed attempt of this relay, also when all is well again; null when none has failed. */
  readonly lastError: RelayFailure | null
}

/** What `close()` left undone. */
export interface OutboxReport {
  /** Events that are still in the table, for the next relay; null when the database did not say in time. */
  readonly waiting: number | null
  /** Events whose publish was not answered in time. They are in the table too, and may be in the log: their ids tell. */
  readonly unfinished: number
}

/**
 * Events that are published if and only if a transaction of your own database commits.
 *
 *     await using outbox = new Outbox({ store: postgresOutbox(pool), publisher: system })
 *     await outbox.createTable()
 *     await outbox.start()
 *     // in a transaction, beside your own statements:
 *     await outbox.enqueue(client, createEvent(EventType.ORDER_EXECUTED, { symbol: 'AAPL', side: 'BUY', quantity: 1, price: 190 }))
 */
export class Outbox<Transaction, Written> {
  readonly #options: ResolvedOutboxOptions<Transaction, Written>
  readonly #relay: Relay
  #starting: Promise<void> | undefined
  #closing: Promise<OutboxReport> | undefined

  /** Throws `invalid_options`. Touches nothing. */
  constructor(options: OutboxOptions<Transaction, Written>) {
    this.#options = resolveOutboxOptions(options)
    this.#relay = new Relay(this.#options)
  }

  /** Makes the tables if they are not there, for who has no migrations of their own. Idempotent. Rejects with what the database says. */
  createTable(): Promise<void> {
    return this.#options.store.createTable()
  }

  /**
   * Writes the event as a part of a transaction: of the `DatabaseSync` on which it is open, at once; or of the client of
   * PostgreSQL, as a promise to be awaited before the commit. Fails, with nothing written, with `invalid_event`,
   * `invalid_data`, `unknown_event_type` or `not_representable` for what publishing would refuse, with `invalid_argument`
   * outside of a transaction, and with what the database says. Needs no relay in this process: any of the table publishes it.
   */
  enqueue(transaction: Transaction, event: Event): Written {
    const { store, clock } = this.#options
    return store.insert(transaction, event, clock.now())
  }

  /**
   * Starts the relay. Resolves when the table was seen; rejects with what the database says, and may be tried again then.
   * Idempotent. Rejects with `closed` after close().
   */
  async start(): Promise<void> {
    this.#mustNotBeClosed()
    this.#starting ??= this.#start()
    await this.#starting
  }

  async #start(): Promise<void> {
    try {
      await this.#options.store.standing()
      await this.#options.store.lease()
    } catch (error) {
      this.#starting = undefined
      throw error
    }
    this.#mustNotBeClosed()
    this.#relay.start()
  }

  /** Has the relay of this process look now instead of within `pollMs`. Call it after a commit; it costs one query. */
  wake(): void {
    this.#relay.wake()
  }

  /** How the table and this relay stand. On SQLite it waits until no transaction is open on the database. */
  async stats(): Promise<OutboxStats> {
    const { waiting, oldestAt, setAside } = await this.#options.store.standing()
    const oldestAgeMs = oldestAt === null ? 0 : Math.max(0, this.#options.clock.now() - oldestAt)
    const { isRelaying, failures, lastFailure: lastError } = this.#relay
    return { waiting, oldestAgeMs, setAside, isRelaying, failures, lastError }
  }

  /** The events that were refused for good, oldest first, at most `limit` (default 100). Rejects with `invalid_argument`. */
  async setAsideEvents(options: { limit?: number } = {}): Promise<SetAsideEvent[]> {
    onlyOptions('setAsideEvents()', options, { limit: true })
    const { limit = 100 } = options
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new EventSystemError('invalid_argument', `limit must be a whole number from 1, got ${limit}.`)
    }
    return this.#options.store.setAsideEvents(limit)
  }

  /**
   * Has events that were set aside published after all, those of these `id`s or all. They come before what waits, and
   * after what was published meanwhile. Resolves to how many; an id that is not set aside counts for nothing. Rejects with `invalid_argument`.
   */
  async retry(ids?: readonly string[]): Promise<number> {
    const wrong = ids?.find((id) => typeof id !== 'string' || !/^\d{1,18}$/.test(id))
    if (wrong !== undefined) {
      throw new EventSystemError('invalid_argument', `${JSON.stringify(wrong)} is no id of a row, such as "17".`)
    }
    if (ids?.length === 0) return 0
    const count = await this.#options.store.retry(ids)
    this.wake()
    return count
  }

  /**
   * Ends the relay: what is on its way is awaited, for at most about `timeoutMs` (default 10,000), and nothing new begins.
   * What waits stays in the table. Says what it left. Rejects with `invalid_argument`. Idempotent; `await using` calls it.
   * Close it before its publisher and its database.
   */
  async close(options: { timeoutMs?: number } = {}): Promise<OutboxReport> {
    this.#closing ??= this.#close(checkedTimeout(options))
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<OutboxReport> {
    const done = new AbortController()
    const late = sleep(timeoutMs, undefined, { signal: done.signal }).catch(() => undefined)
    await Promise.race([this.#starting?.catch(() => {}), late])
    await Promise.race([this.#relay.finish(), late])
    const unfinished = this.#relay.abandon()
    const standing = await Promise.race([this.#options.store.standing().catch(() => undefined), late])
    done.abort()
    return { waiting: standing?.waiting ?? null, unfinished }
  }

  #mustNotBeClosed(): void {
    if (this.#closing !== undefined) throw new EventSystemError('closed', 'The outbox is closed; make a new one.')
  }
}
