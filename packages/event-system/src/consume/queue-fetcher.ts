import type { GroupPlaces } from '../groups/index.ts'
import type { Delivery, WorkQueue } from '../log/index.ts'
import { type Fetcher, type FetcherParts, WAIT_MS } from './fetcher.ts'
import { type AnyDelivery, type Held, takenOver } from './held.ts'
import { heldDeliveries } from './held-deliveries.ts'
import { reportClaimed } from './reports.ts'

/** This many entries are taken up, extended or handed back in one call: the log does nothing else meanwhile. */
const PAGE = 1_000
/** Entries that others handed back, or that an operator put back, are looked for at the latest after this time, in ms. */
const LOOK_MS = 2_000
/** An entry that is given back with a delay, be it the shortest, counts as a delivery: its handlers had begun. */
const COUNTED_MS = 1

export interface QueueFetcherParts extends FetcherParts {
  readonly places: GroupPlaces
}

/** Entry by entry: each new entry goes to the member that asks first. */
export class QueueFetcher implements Fetcher {
  readonly #parts: QueueFetcherParts
  readonly #group: WorkQueue
  /** It is time to take over what others left, before anything new is read. */
  #claimIsDue = false

  constructor(parts: QueueFetcherParts) {
    this.#parts = parts
    this.#group = parts.storage.queue(parts.options.group)
  }

  async join(): Promise<void> {
    const { storage, options, clock, inFlight, places } = this.#parts
    const byKey = storage.partitioned?.(options.group)
    const retiredAt = await byKey?.retire()
    await places.create(this.#group, retiredAt === undefined ? options.from : { after: retiredAt })
    if (retiredAt !== undefined) await byKey?.forget()
    inFlight.certain(clock.now() + options.claimAfterMs)
    await this.#takeUpOwn()
  }

  async run(): Promise<void> {
    await Promise.all([this.#readLoop(), this.#claimLoop(), this.#keepAliveLoop(), this.#doubtLoop()])
  }

  async extend(held: Held): Promise<void> {
    const { options, inFlight } = this.#parts
    if ((await this.#group.extend(options.consumer, [held.delivery])).length === 0) return
    const reason = takenOver(held)
    inFlight.lost(held, reason)
    throw reason
  }

  async held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]> {
    const { storage, options } = this.#parts
    return heldDeliveries({ storage, group: this.#group, consumer: options.consumer }, deliveries)
  }

  async leave(): Promise<void> {
    const { options, inFlight } = this.#parts
    const { consumer } = options
    for (const page of pages([...inFlight])) {
      const begun = page.filter(({ state }) => state === 'running').map(({ delivery }) => delivery)
      const untouched = page.filter(({ state }) => state !== 'running').map(({ delivery }) => delivery)
      if (untouched.length > 0) await this.#group.release(consumer, untouched)
      if (begun.length > 0) await this.#group.release(consumer, begun, { delayMs: COUNTED_MS })
    }
    await this.#group.removeConsumer(consumer)
  }

  /** Takes up the deliveries that a process of this name left when it ended. */
  async #takeUpOwn(): Promise<void> {
    const { options, decoder, inFlight } = this.#parts
    const { consumer } = options
    let last: Delivery | undefined
    do {
      const after = last === undefined ? {} : { after: last.messageId }
      const page = await this.#group.claim(consumer, { minIdleMs: 0, limit: PAGE, heldBy: consumer, ...after })
      inFlight.delivered(await decoder.decode(page))
      last = page.length < PAGE ? undefined : page.at(-1)
    } while (last !== undefined)
  }

  async #readLoop(): Promise<void> {
    const { options, stop, decoder, inFlight } = this.#parts
    while (!stop.aborted) {
      const limit = inFlight.room
      if (limit === 0) {
        await inFlight.when(() => inFlight.room > 0, stop)
        continue
      }
      if (this.#claimIsDue) {
        await this.#claim()
        continue
      }
      await this.#attempt('read', async () => {
        const deliveries = await this.#group.read(options.consumer, { limit, waitMs: WAIT_MS, signal: stop })
        inFlight.delivered(await decoder.decode(deliveries))
      })
    }
  }

  /** A member that has no room now claims as soon as it has: new entries never come first. */
  async #claimLoop(): Promise<void> {
    const { options, inFlight, recovery } = this.#parts
    do {
      if (inFlight.room > 0) await this.#claim()
      else this.#claimIsDue = true
    } while (await recovery.pause(Math.min(LOOK_MS, options.claimAfterMs / 2)))
  }

  /** Takes over what dead members left, and what the living handed back. Behind a full page there may be more. */
  async #claim(): Promise<void> {
    const { storage, options, decoder, inFlight } = this.#parts
    const limit = inFlight.room
    if (limit === 0) return
    await this.#attempt('claim', async () => {
      const page = await this.#group.claim(options.consumer, { minIdleMs: options.claimAfterMs, limit })
      this.#claimIsDue = page.length === limit
      const deliveries = await decoder.decode(page)
      reportClaimed(storage, options.group, deliveries)
      inFlight.delivered(deliveries)
    })
  }

  /** Tells the group that this member lives, and learns what it has lost while it did not. */
  async #keepAliveLoop(): Promise<void> {
    const { options, recovery } = this.#parts
    while (await recovery.pause(options.claimAfterMs / 3)) await this.#mustKeepAlive()
  }

  /** A process that was frozen does not know what it still has. */
  async #doubtLoop(): Promise<void> {
    const { inFlight, clock, stop } = this.#parts
    while (!stop.aborted) {
      await inFlight.when(() => inFlight.lacksCertainty(clock.now()), stop)
      if (!stop.aborted) await this.#mustKeepAlive()
    }
  }

  /** Asks until it is answered, or the consumer stops. */
  async #mustKeepAlive(): Promise<void> {
    while (!(await this.#attempt('extend', () => this.#keepAlive()))) if (this.#parts.stop.aborted) return
  }

  async #keepAlive(): Promise<void> {
    const { options, clock, inFlight } = this.#parts
    const asked = clock.now()
    for (const page of pages([...inFlight])) {
      const holds = page.map(({ delivery }) => delivery)
      const lost = new Set(await this.#group.extend(options.consumer, holds))
      // The answer is about these deliveries: meanwhile an entry may have been delivered again.
      for (const held of page) if (lost.has(held.messageId)) inFlight.lost(held, takenOver(held))
    }
    inFlight.certain(asked + options.claimAfterMs)
  }

  #attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    const { options, recovery, places } = this.#parts
    return recovery.attempt(call, work, () => places.restore(this.#group, options.from))
  }
}

function pages<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / PAGE) }, (_, i) => items.slice(i * PAGE, (i + 1) * PAGE))
}
