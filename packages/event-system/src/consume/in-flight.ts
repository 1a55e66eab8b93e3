import { EventSystemError } from '@tradpal/events'
import type { Received } from '../codec/index.ts'
import type { MessageId } from '../log/index.ts'
import { Certainty } from './certainty.ts'
import { Changes } from './changes.ts'
import { DueQueue } from './due-queue.ts'
import type { Content, Held } from './held.ts'
import { KeyOrder } from './key-order.ts'
import type { ResolvedConsumeOptions } from './options.ts'

/** This many deliveries may wait, for their retries or behind one that does, before the consumer asks for no more. */
const MAX_PARKED = 100_000
/** No more is asked for while more than this many times the prefetch wait for their acknowledgement. */
const ENDED_PER_PREFETCH = 2
/** Of those behind a delivery that is evicted, this many are evicted with it. The others came while they had to wait. */
const EVICTED_AT_ONCE = 500

export type InFlightLimits = Pick<ResolvedConsumeOptions, 'prefetch' | 'prefetchBytes' | 'concurrency'>

/**
 * The deliveries that a consumer has in flight, from their arrival until they are settled or lost. It is a state machine without a clock
 * and without I/O: each method is an input, and time comes in as `now`, ms since the epoch.
 *
 *     delivered ──▶ queued ──start──▶ running ──ended──▶ ended ──settled──▶ gone
 *                     ▲                  │
 *                     └─tick── waiting ◀─┴─ retryAt, unreadableUntil         lost: from every state to gone
 *
 * A delivery that waits, and those of its key behind it, are evicted when they take room from others: their data are read again
 * from the log before their handlers run.
 */
export class InFlight {
  readonly #limits: InFlightLimits
  readonly #held = new Map<MessageId, Held>()
  readonly #byPartition = new Map<number, number>()
  readonly #order = new KeyOrder()
  readonly #retries = new DueQueue<Held>()
  /** Deliveries whose key was missing when they were read last. */
  readonly #unreadable = new Set<Held>()
  readonly #changes = new Changes()
  readonly #certainty = new Certainty()
  readonly #counts = { running: 0, waiting: 0, ended: 0 }
  #bytes = 0
  #arrivals = 0
  #isPaused = false

  constructor(limits: InFlightLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#held.size
  }

  /** How many have handlers at work, lost ones included. */
  get running(): number {
    return this.#counts.running
  }

  /** How often something came, other than the end of a handler, that may let a handler start. */
  get arrivals(): number {
    return this.#arrivals
  }

  /** When the next retry is due; infinity without any. */
  get nextDueAt(): number {
    return this.#retries.nextAt
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#held.values()
  }

  get(messageId: MessageId): Held | undefined {
    return this.#held.get(messageId)
  }

  countOf(partition: number): number {
    return this.#byPartition.get(partition) ?? 0
  }

  /** The first `most` that wait behind this one, in the order of their key. */
  behind(held: Held, most: number): readonly Held[] {
    return this.#order.behind(held, most)
  }

  /**
   * How many deliveries to ask for: none until there is room for half of the prefetch, so that they come in pages. Deliveries that wait,
   * or whose end is being written, take no room up to their own bounds. One whose key is missing keeps all others from coming.
   */
  get room(): number {
    const { prefetch, prefetchBytes, concurrency } = this.#limits
    const { ended } = this.#counts
    if (this.#isPaused || this.#unreadable.size > 0) return 0
    if (this.#parked >= MAX_PARKED || this.#bytes >= prefetchBytes || ended > ENDED_PER_PREFETCH * prefetch) return 0
    const room = prefetch + concurrency - (this.size - this.#parked - ended)
    return room >= prefetch / 2 ? room : 0
  }

  /** Resolves as soon as the condition holds, which is asked after each input, or when the signal is aborted. */
  when(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return this.#changes.when(condition, signal)
  }

  /** They replace what this consumer had of the same entries, which is lost. */
  delivered(deliveries: readonly Held[]): void {
    for (const held of deliveries) {
      const before = this.#held.get(held.messageId)
      if (before !== undefined) {
        this.lost(before, new EventSystemError('delivery_lost', `${held.messageId} was delivered again.`))
      }
      this.#add(held)
      this.#order.add(held)
      if (this.#order.isBlocked(held) && this.#isCrowded) this.evict(held)
    }
    this.#arrived()
  }

  /** Whether a delivery could start, if it were certain that it is still this consumer's. */
  lacksCertainty(now: number): boolean {
    return this.isInDoubt || (this.#wantsToStart && !this.#certainty.isThere(now))
  }

  /** Whether the deliveries are this consumer's for certain. */
  isCertain(now: number): boolean {
    return this.#certainty.isThere(now)
  }

  /** The next delivery whose handlers run. Each one that is started must end with {@link ended}, {@link retryAt} or {@link unreadableUntil}. */
  start(now: number): Held | undefined {
    if (!this.#wantsToStart || !this.#certainty.isThere(now)) return undefined
    const held = this.#order.take()
    if (held === undefined) return undefined
    held.state = 'running'
    this.#counts.running++
    return held
  }

  /** The handlers are done with it for good, and that is to be written. False: it was lost meanwhile, and nothing of it counts. */
  ended(held: Held): boolean {
    return this.#stop(held, () => {
      held.state = 'ended'
      this.#counts.ended++
      this.#order.pass(held)
    })
  }

  /** Its handlers run again at this time. False: it was lost meanwhile. */
  retryAt(held: Held, dueAt: number): boolean {
    return this.#stop(held, () => this.#wait(held, dueAt))
  }

  /** Its key is missing: it is read again at this time. Nothing has failed. False: it was lost meanwhile. */
  unreadableUntil(held: Held, dueAt: number): boolean {
    return this.#stop(held, () => {
      this.#unreadable.add(held)
      this.#wait(held, dueAt)
    })
  }

  isUnreadable(held: Held): boolean {
    return this.#unreadable.has(held)
  }

  /** It can be read. */
  readable(held: Held): void {
    if (this.#unreadable.delete(held)) this.#changes.tell()
  }

  /** Retries that are due by now are queued. */
  tick(now: number): void {
    for (const held of this.#retries.take(now)) {
      if (held.state !== 'waiting') continue
      held.state = 'queued'
      this.#counts.waiting--
      this.#order.resume(held)
    }
    this.#arrived()
  }

  /** Their ends are written. */
  settled(deliveries: readonly Held[]): void {
    for (const held of deliveries) {
      // It is gone already where the log was asked about it in between, and said that this consumer does not have it.
      if (held.state !== 'ended') continue
      this.#counts.ended--
      held.state = 'gone'
      this.#drop(held)
    }
    this.#changes.tell()
  }

  /** It is another consumer's: what its handlers still do does not count. */
  lost(held: Held, reason: Error): void {
    const { state } = held
    if (state === 'gone') return
    this.#drop(held)
    this.#unreadable.delete(held)
    if (state === 'ended' || state === 'waiting') this.#counts[state]--
    if (state === 'waiting') this.#order.pass(held)
    held.lose(reason)
    this.#arrived()
  }

  /** Lets go of its data. The log has them. */
  evict(held: Held): void {
    if (held.state === 'gone') return
    this.#bytes -= held.bytes
    held.evict()
  }

  /** Its data were read again. */
  reread(held: Held, received: Received, content: Content): void {
    if (held.state === 'gone') return
    this.#bytes -= held.bytes
    held.reread(received, content)
    this.#bytes += held.bytes
  }

  /** No handler starts, and there is no room, until {@link resume}. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#arrived()
  }

  /** How often it was doubted whether the deliveries are still this consumer's. */
  get doubts(): number {
    return this.#certainty.doubts
  }

  get isInDoubt(): boolean {
    return this.#certainty.isInDoubt
  }

  /** Something says that deliveries may be another consumer's: no handler starts before that is certain again. */
  doubt(): void {
    this.#certainty.doubt()
    this.#changes.tell()
  }

  /** The log says that the deliveries are this consumer's until this time. `doubts`: as they were when the log was asked. */
  certain(until: number, doubts = this.doubts): void {
    if (this.#certainty.extend(until, doubts)) this.#arrived()
  }

  /** Something came that may let a handler start. */
  #arrived(): void {
    this.#arrivals++
    this.#changes.tell()
  }

  get #wantsToStart(): boolean {
    return this.#order.hasReady && !this.#isPaused && this.#counts.running < this.#limits.concurrency
  }

  /** How many wait, for their retries or behind one that does. */
  get #parked(): number {
    return this.#counts.waiting + this.#order.blocked
  }

  /** Whether those that wait take room from the others. */
  get #isCrowded(): boolean {
    const { prefetch, prefetchBytes } = this.#limits
    return this.#parked > prefetch || this.#bytes > prefetchBytes / 2
  }

  #wait(held: Held, dueAt: number): void {
    held.state = 'waiting'
    this.#counts.waiting++
    this.#order.block(held)
    if (this.#isCrowded) for (const one of [held, ...this.behind(held, EVICTED_AT_ONCE)]) this.evict(one)
    this.#retries.add(held, dueAt)
  }

  /** Its handlers have stopped. */
  #stop(held: Held, next: () => void): boolean {
    this.#counts.running--
    const isOurs = held.state !== 'gone'
    if (isOurs) next()
    else this.#order.pass(held)
    this.#changes.tell()
    return isOurs
  }

  #add(held: Held): void {
    const { partition } = held.delivery
    this.#held.set(held.messageId, held)
    this.#bytes += held.bytes
    if (partition !== undefined) this.#byPartition.set(partition, this.countOf(partition) + 1)
  }

  #drop(held: Held): void {
    const { partition } = held.delivery
    this.#held.delete(held.messageId)
    this.#bytes -= held.bytes
    if (partition !== undefined) this.#byPartition.set(partition, this.countOf(partition) - 1)
  }
}
