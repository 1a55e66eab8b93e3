import { EventSystemError, isRetryable, onlyOptions, RetryLater, type StoredEvent, verdictOf } from '@tradpal/events'
import type { Delivery } from './answers/index.ts'
import type { ConsumeHandler, ConsumeReport, ResolvedConsumeOptions } from './consume-options.ts'
import { type Nack, Pulling } from './pulling.ts'
import type { Transport } from './transport.ts'

export interface ConsumptionParts {
  readonly group: string
  readonly handler: ConsumeHandler<StoredEvent>
  readonly options: ResolvedConsumeOptions
  readonly onEnd: (consumption: Consumption) => void
}

/** A delivery that this process has in hand. */
interface Held extends Delivery {
  readonly abort: AbortController
}

/**
 * One member of a consumer group, over HTTP. It pulls events ahead, says while they are in hand that it still works on
 * them, and settles each when its handler is done. While the service cannot be reached it tries again, for ever.
 */
export class Consumption implements AsyncDisposable {
  readonly group: string
  readonly consumer: string
  /** Resolves when it is closed. Rejects with what another attempt cannot help, after which nothing more is handled. */
  readonly finished: Promise<void>
  readonly #transport: Transport
  readonly #pulling: Pulling
  readonly #handler: ConsumeHandler<StoredEvent>
  readonly #options: ResolvedConsumeOptions
  /** By message id: what is handed out anew replaces what this process had of it. */
  readonly #held = new Map<string, Held>()
  readonly #queue: Held[] = []
  readonly #running = new Set<Held>()
  readonly #handled: Held[] = []
  readonly #joined = Promise.withResolvers<void>()
  /** Aborted, nothing more is pulled or begun. */
  readonly #stopping = new AbortController()
  /** Aborted, nothing more is done. */
  readonly #ending = new AbortController()
  readonly #onEnd: (consumption: Consumption) => void
  #pulled: Promise<void> | undefined
  #wake = () => {}
  #settling: Promise<void> | undefined
  #closing: Promise<ConsumeReport> | undefined

  constructor(transport: Transport, { group, handler, options, onEnd }: ConsumptionParts) {
    this.group = group
    this.consumer = options.consumer
    this.#transport = transport
    this.#handler = handler
    this.#onEnd = onEnd
    this.#options = options
    this.#pulling = new Pulling(transport, group, options)
    this.finished = this.#run()
  }

  /** Resolves when the service has made it a member of the group. Rejects with what another attempt cannot help. */
  async joined(): Promise<void> {
    try {
      await this.#joined.promise
    } catch (error) {
      // Told here: that it has ended too is no news.
      this.finished.catch(() => {})
      throw error
    }
  }

  /**
   * Pulls no more, lets the handlers that run finish within `timeoutMs`, default 10,000, hands back the rest, and says
   * what that was. Idempotent: a second call waits for the first.
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<ConsumeReport> {
    onlyOptions('close()', options, { timeoutMs: true })
    this.#closing ??= this.#close(options.timeoutMs ?? 10_000)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #run(): Promise<void> {
    const keeping = this.#keepHolds()
    try {
      this.#pulled = this.#pullOn()
      await this.#pulled
      await this.#closing
    } catch (error) {
      this.#joined.reject(error)
      await this.close({ timeoutMs: 0 })
      throw error
    } finally {
      this.#joined.reject(new EventSystemError('closed', 'Consuming was closed before it began.'))
      await keeping
      this.#onEnd(this)
    }
  }

  async #pullOn(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    for (let isFirst = true; !signal.aborted; ) {
      const room = this.#options.prefetch - this.#held.size
      if (room * 2 < this.#options.prefetch) {
        await this.#roomMade()
        continue
      }
      try {
        const deliveries = await this.#pulling.pull(room, { isFirst, signal })
        for (const delivery of deliveries) this.#take(delivery)
        this.#handleOn()
        this.#joined.resolve()
        isFirst = false
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        if (!isRetryable(error)) throw error
        await this.#transport.pause(++failures, error, signal).catch(() => {})
      }
    }
  }

  #roomMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #take(delivery: Delivery): void {
    const { messageId } = delivery.event
    const before = this.#held.get(messageId)
    if (before !== undefined) this.#lose(before)
    const held = { ...delivery, abort: new AbortController() }
    this.#held.set(messageId, held)
    this.#queue.push(held)
  }

  /** Begins what there is room for. */
  #handleOn(): void {
    while (this.#running.size < this.#options.concurrency && !this.#stopping.signal.aborted) {
      const held = this.#queue.shift()
      if (held === undefined) return
      if (this.#holds(held)) void this.#handle(held)
    }
  }

  async #handle(held: Held): Promise<void> {
    this.#running.add(held)
    const { group, consumer } = this
    try {
      await this.#handler(held.event, { group, consumer, attempt: held.attempt, signal: held.abort.signal })
      this.#acknowledge(held)
    } catch (error) {
      if (!(error instanceof RetryLater)) this.#options.onError(error, held.event.messageId)
      if (this.#holds(held)) await this.#settle([held], () => this.#pulling.nack([held.deliveryId], nackOf(error)))
    } finally {
      this.#running.delete(held)
      this.#handleOn()
      this.#wake()
    }
  }

  /** What is handled while an acknowledgement is under way is acknowledged with the next one, together. */
  #acknowledge(held: Held): void {
    this.#handled.push(held)
    this.#settling ??= this.#acknowledgeAll().finally(() => {
      this.#settling = undefined
    })
  }

  async #acknowledgeAll(): Promise<void> {
    while (this.#handled.length > 0) {
      const batch = this.#handled.splice(0).filter((held) => this.#holds(held))
      if (batch.length > 0) await this.#settle(batch, () => this.#pulling.acknowledge(idsOf(batch)))
    }
  }

  /** Settles what is in hand, for as long as it takes: the leases are kept meanwhile. */
  async #settle(settled: readonly Held[], call: () => Promise<unknown>): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        await call()
        break
      } catch (error) {
        if (!isRetryable(error) || this.#stopping.signal.aborted) {
          this.#tell(error, settled)
          break
        }
        await this.#transport.pause(failures, error, this.#ending.signal).catch(() => {})
      }
    }
    for (const held of settled) this.#drop(held)
    this.#wake()
  }

  async #keepHolds(): Promise<void> {
    const { clock } = this.#transport.options
    const { signal } = this.#ending
    while (await isOver(clock.sleep(this.#options.leaseMs / 3, signal))) {
      if (this.#held.size > 0) await this.#extend([...this.#held.values()])
    }
  }

  async #extend(held: readonly Held[]): Promise<void> {
    try {
      const lost = new Set(await this.#pulling.extend(idsOf(held)))
      for (const one of held) if (lost.has(one.deliveryId) && this.#holds(one)) this.#lose(one)
    } catch (error) {
      // Without an answer the leases may have ended or not: what settles them will tell.
      if (!isRetryable(error)) for (const one of held) this.#lose(one)
    }
  }

  async #close(timeoutMs: number): Promise<ConsumeReport> {
    this.#stopping.abort()
    this.#wake()
    await this.#pulled?.catch(() => {})
    const queued = this.#queue.splice(0).filter((held) => this.#holds(held))
    await this.#handBack(queued)
    await this.#ranToTheirEnd(timeoutMs)
    const unfinished = [...this.#running].filter((held) => this.#holds(held))
    await this.#settling
    await this.#handBack(unfinished)
    this.#ending.abort()
    return { handedBack: queued.length, unfinished: unfinished.length }
  }

  /** It is attempted once: what does not arrive is handed out again when its lease ends. */
  async #handBack(held: readonly Held[]): Promise<void> {
    if (held.length === 0) return
    for (const one of held) this.#lose(one, new EventSystemError('closed', 'Consuming was closed.'))
    await this.#pulling.nack(idsOf(held), {}, 'never').catch((error) => this.#tell(error, held))
  }

  async #ranToTheirEnd(timeoutMs: number): Promise<void> {
    const expiry = new AbortController()
    const isLate = this.#transport.options.clock.sleep(timeoutMs, expiry.signal).then(
      () => true,
      () => true
    )
    while (this.#running.size > 0) {
      if (await Promise.race([isLate, this.#roomMade().then(() => false)])) break
    }
    expiry.abort()
  }

  #tell(error: unknown, about: readonly Held[]): void {
    for (const { event } of about) this.#options.onError(error, event.messageId)
  }

  #holds(held: Held): boolean {
    return this.#held.get(held.event.messageId) === held
  }

  #drop(held: Held): void {
    if (this.#holds(held)) this.#held.delete(held.event.messageId)
  }

  #lose(
    held: Held,
    reason = new EventSystemError('delivery_lost', `${held.event.messageId} is another consumer's now.`)
  ): void {
    this.#drop(held)
    held.abort.abort(reason)
  }
}

/** The answer to the service about a handler that threw. */
function nackOf(error: unknown): Nack {
  const verdict = verdictOf(error)
  if (verdict.kind === 'later') return { delayMs: verdict.delayMs }
  const told = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return verdict.kind === 'rejected'
    ? { reason: (error as Error).message || told, reject: true }
    : { reason: told || 'no reason given' }
}

function idsOf(held: readonly Held[]): string[] {
  return held.map(({ deliveryId }) => deliveryId)
}

/** Whether the time passed, rather than the wait having been cut short. */
function isOver(wait: Promise<void>): Promise<boolean> {
  return wait.then(
    () => true,
    () => false
  )
}
