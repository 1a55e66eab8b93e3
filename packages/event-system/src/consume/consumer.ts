import { type Clock, EventSystemError, onlyOptions, type Validation } from '@tradpal/events'
import { Attachments, type EventCodec, type TextVault } from '../codec/index.ts'
import type { DeadLetters } from '../dead-letters/index.ts'
import { eventTypesText, GroupPlaces, readPullSettings } from '../groups/index.ts'
import { Documents, type Storage } from '../log/index.ts'
import { duration, type Logger } from '../runtime/index.ts'
import { Acknowledger } from './acknowledger.ts'
import { mustHaveCome, mustNotBeAhead } from './beginning.ts'
import { Contents } from './content.ts'
import { Decoder } from './decoder.ts'
import type { Fetcher } from './fetcher.ts'
import type { HandlerRegistry } from './handlers.ts'
import { keepHouse } from './housekeeping.ts'
import { InFlight } from './in-flight.ts'
import { OnceSteps } from './once-steps.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { PartitionFetcher, partitionMember } from './partition-fetcher.ts'
import { PartitionSettling } from './partition-settling.ts'
import { QueueFetcher } from './queue-fetcher.ts'
import { QueueSettling } from './queue-settling.ts'
import { Recovery } from './recovery.ts'
import { Rereader } from './rereader.ts'
import { Runner } from './runner.ts'

/** When the time to close is up, what is left is handed back within so long, in ms. */
const HAND_BACK_MS = 1_000

export interface ConsumerParts {
  readonly storage: Storage
  readonly codec: EventCodec
  readonly vault: TextVault | undefined
  /** Of what handlers publish. */
  readonly validation: Validation
  readonly handlers: HandlerRegistry
  readonly deadLetters: DeadLetters
  /** How long a group remembers the steps that were taken, in ms. */
  readonly ledgerRetentionMs: number
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
}

/** What closing left undone. */
export interface ConsumerReport {
  /** Entries whose handling had not begun, or that waited for a retry: handed back to the group, at once claimable by its other members. */
  readonly handedBack: number
  /**
   * Entries whose handlers ran out of time: handed back likewise, and what their handlers still do does not count. When the
   * log did not answer, everything that is left: others take it over as from a member that died.
   */
  readonly unfinished: number
}

/** One member of a consumer group: from its joining to its leaving. */
export class EventConsumer {
  readonly group: string
  readonly consumer: string
  readonly #parts: ConsumerParts
  readonly #options: ResolvedConsumeOptions
  readonly #logger: Logger
  readonly #recovery: Recovery
  readonly #contents: Contents
  readonly #places: GroupPlaces
  readonly #inFlight: InFlight
  readonly #acknowledger: Acknowledger
  readonly #fetcher: Fetcher
  readonly #runner: Runner
  readonly #stop = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #closing: Promise<ConsumerReport> | undefined

  constructor(consumerParts: ConsumerParts, options: ResolvedConsumeOptions) {
    const { group, consumer, partitions, ordering, key } = options
    this.group = group
    this.consumer = consumer
    this.#parts = consumerParts
    this.#options = options
    this.#logger = consumerParts.logger.child({ group, consumer })
    const parts = { ...consumerParts, options, logger: this.#logger, stop: this.#stop.signal }
    const { storage, vault, ledgerRetentionMs: keepMs } = parts
    const recovery = new Recovery(parts)
    const attachments = new Attachments(group, vault)
    const contents = new Contents({ ...parts, partitions, ...(ordering === 'key' && { key }) })
    const decoder = new Decoder(contents, attachments)
    const inFlight = new InFlight(options)
    const member = ordering === 'key' ? partitionMember(storage, options, contents) : undefined
    const settling =
      member === undefined ? new QueueSettling(storage, group, consumer) : new PartitionSettling(member, inFlight)
    const acknowledger = new Acknowledger({ ...parts, settling, attachments, inFlight, recovery })
    const fetching = { ...parts, inFlight, decoder, acknowledger, recovery }
    const places = new GroupPlaces(new Documents(storage))
    const fetcher =
      member === undefined
        ? new QueueFetcher({ ...fetching, places })
        : new PartitionFetcher({ ...fetching, member, contents })
    const rereader = new Rereader({ inFlight, contents, attachments, fetcher })
    const steps = new OnceSteps({ storage, group, keepMs, vault })
    const surroundings = { ...parts, group, consumer, steps, fetcher }
    this.#recovery = recovery
    this.#contents = contents
    this.#places = places
    this.#inFlight = inFlight
    this.#acknowledger = acknowledger
    this.#fetcher = fetcher
    this.#runner = new Runner({ ...parts, surroundings, defaults: options, inFlight, rereader, acknowledger })
  }

  /** Makes the group if there is none, takes up what a consumer of this name left, and resolves once it is consuming. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    mustHaveCome(this.#options.from, this.#parts.storage, this.#parts.clock, 'invalid_options')
    await mustNotBeAhead(this.#options.from, this.group, this.#parts.storage)
    const running = this.#runner.run()
    await this.#fetcher.join()
    await this.#warnOfFilter()
    this.#loops = Promise.all([
      running,
      this.#fetcher.run(),
      // A partitioned group keeps its place and its members by itself.
      this.#options.ordering === 'key' ? undefined : this.#keepHouse()
    ])
  }

  #keepHouse(): Promise<void> {
    return keepHouse({
      group: this.#parts.storage.queue(this.group),
      places: this.#places,
      consumer: this.consumer,
      options: this.#options,
      recovery: this.#recovery,
      logger: this.#logger,
      acknowledger: this.#acknowledger
    })
  }

  /** Members that pull with a filter acknowledge the other events for the whole group, and the handlers here never see those. */
  async #warnOfFilter(): Promise<void> {
    const settings = await readPullSettings(new Documents(this.#parts.storage), this.group).catch(() => undefined)
    if (settings === undefined || settings.eventTypes === null) return
    const types = eventTypesText(settings.eventTypes)
    this.#logger.warn({ types }, 'others pull from this group with a filter: events of other types are acknowledged')
  }

  /** From the call of {@link start} to the call of {@link close}. */
  get isConsuming(): boolean {
    return this.#starting !== undefined && this.#closing === undefined
  }

  /** Warns where a handler was registered only after events of its type were acknowledged without one. */
  warnOfLateHandlers(): void {
    this.#runner.unhandled.warnOfLateHandlers()
  }

  /** A sentence for each reason why events wait to be read: a key that is not there. */
  get missed(): readonly string[] {
    return this.#contents.missed
  }

  /** Stops reading and starts no handler more, until {@link resume}. What is in hand stays this consumer's. */
  pause(): void {
    this.#inFlight.pause()
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.#inFlight.resume()
  }

  /**
   * Stops reading, waits up to `timeoutMs` (default 10,000) for the handlers that run, hands the rest back to the group
   * and says how many. A log that does not answer keeps it for a second more, at most. Idempotent. Refuses with
   * `invalid_options`, and goes on consuming.
   */
  async close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    onlyOptions('close()', options, { timeoutMs: true })
    const timeoutMs = duration('timeoutMs', options.timeoutMs ?? 10_000, 0)
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<ConsumerReport> {
    this.#stop.abort(new EventSystemError('closed', 'The consumer is closing.'))
    using outOfTime = new TimeLimit(timeoutMs)
    const deadline = performance.now() + timeoutMs
    await Promise.race([this.#ended(), aborted(outOfTime.signal)])
    await this.#runner.idle(outOfTime.signal)
    using handBackLimit = new TimeLimit(Math.max(HAND_BACK_MS, deadline - performance.now()))
    const late = aborted(handBackLimit.signal)
    await Promise.race([this.#attempt('settle', () => this.#acknowledger.flush()), late])
    const left = [...this.#inFlight]
    const isHandedBack = await Promise.race([this.#attempt('hand back', () => this.#fetcher.leave()), late])
    const unfinished = isHandedBack ? left.filter(({ state }) => state === 'running').length : left.length
    for (const held of left) {
      this.#inFlight.lost(held, new EventSystemError('closed', 'The consumer closed before the handler was done.'))
    }
    return { handedBack: left.length - unfinished, unfinished }
  }

  /** Resolves once nothing more is read or claimed: what a start that is under way begins ends too. */
  async #ended(): Promise<void> {
    await Promise.allSettled([this.#starting])
    await Promise.allSettled([this.#loops])
  }

  /** Resolves to whether it could be done. */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#logger.warn({ err: error }, `could not ${what} while closing`)
      return false
    }
  }
}

/** Until it is disposed of it keeps the process alive, as `AbortSignal.timeout` does not: what is left is to be handed back first. */
class TimeLimit implements Disposable {
  readonly #end = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#end.abort(), Math.ceil(ms))
  }

  /** Aborted when the time is up. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

/** Resolves to false when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<false> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false), { once: true }))
}
