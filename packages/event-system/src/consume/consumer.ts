import { EventSystemError, onlyOptions } from '@tradpal/events'
import type { TextVault } from '../codec/index.ts'
import { Attachments } from '../codec/index.ts'
import { eventTypesText, GroupPlaces, readPullSettings } from '../groups/index.ts'
import { Documents } from '../log/index.ts'
import { duration, type Logger } from '../runtime/index.ts'
import { mustHaveCome, mustNotBeAhead } from './beginning.ts'
import { Contents } from './content.ts'
import { keepHouse } from './housekeeping.ts'
import { OnceSteps } from './once-steps.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { PartitionedIntake } from './partitioned-intake.ts'
import { Recovery } from './recovery.ts'
import { SharedIntake } from './shared-intake.ts'
import { Workbench, type WorkbenchParts } from './workbench.ts'

/** When the time to close is up, what is left is handed back within so long, in ms. */
const HAND_BACK_MS = 1_000

export type ConsumerParts = Pick<
  WorkbenchParts,
  'storage' | 'codec' | 'validation' | 'handlers' | 'deadLetters' | 'logger' | 'clock' | 'random'
> & {
  readonly vault: TextVault | undefined
  /** How long a group remembers the steps that were taken, in ms. */
  readonly ledgerRetentionMs: number
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
  readonly #workbench: Workbench
  readonly #stop = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #closing: Promise<ConsumerReport> | undefined

  constructor(parts: ConsumerParts, options: ResolvedConsumeOptions) {
    const { storage, codec, clock, random } = parts
    const { group, consumer, ordering, key, partitions } = options
    const stop = this.#stop.signal
    this.#parts = parts
    this.#options = options
    this.group = group
    this.consumer = consumer
    this.#logger = parts.logger.child({ group, consumer })
    this.#recovery = new Recovery({ clock, random, logger: this.#logger, signal: stop })
    const contents = new Contents({
      storage,
      codec,
      partitions,
      logger: this.#logger,
      clock,
      ...(ordering === 'key' ? { key } : {})
    })
    this.#contents = contents
    this.#places = new GroupPlaces(new Documents(storage))
    this.#workbench = new Workbench({
      ...parts,
      logger: this.#logger,
      options,
      contents,
      recovery: this.#recovery,
      attachments: new Attachments(group, parts.vault),
      steps: new OnceSteps({ storage, group, keepMs: parts.ledgerRetentionMs, vault: parts.vault }),
      stop,
      newIntake: (intakeParts) =>
        ordering === 'key' ? new PartitionedIntake(intakeParts, contents) : new SharedIntake(intakeParts, this.#places)
    })
  }

  /** Makes the group if there is none, takes up what a consumer of this name left, and resolves once it is consuming. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    mustHaveCome(this.#options.from, this.#parts.storage, this.#parts.clock, 'invalid_options')
    await mustNotBeAhead(this.#options.from, this.group, this.#parts.storage)
    const { intake } = this.#workbench
    await intake.join()
    await this.#warnOfFilter()
    this.#loops = Promise.all([
      intake.run(),
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
      settled: () => this.#workbench.settled
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
    this.#workbench.unhandled.warnOfLateHandlers()
  }

  /** A sentence for each reason why events wait to be read: a key that is not there. */
  get missed(): readonly string[] {
    return this.#contents.missed
  }

  /** Stops reading and starts no handler more, until {@link resume}. What is in hand stays this consumer's. */
  pause(): void {
    this.#workbench.pause()
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.#workbench.resume()
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
    const workbench = this.#workbench
    this.#stop.abort(new EventSystemError('closed', 'The consumer is closing.'))
    const outOfTime = AbortSignal.timeout(Math.ceil(timeoutMs))
    const deadline = performance.now() + timeoutMs
    await Promise.race([this.#ended(), aborted(outOfTime)])
    await workbench.idle(outOfTime)
    const late = aborted(AbortSignal.timeout(Math.ceil(Math.max(HAND_BACK_MS, deadline - performance.now()))))
    await Promise.race([this.#attempt('settle', () => workbench.flush()), late])
    const left = [...workbench.inHand]
    const isHandedBack = await Promise.race([this.#attempt('hand back', () => workbench.intake.leave()), late])
    const unfinished = isHandedBack ? left.filter(({ state }) => state === 'running').length : left.length
    for (const held of left) {
      workbench.lose(held, new EventSystemError('closed', 'The consumer closed before the handler was done.'))
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

/** Resolves to false when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<false> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false), { once: true }))
}
