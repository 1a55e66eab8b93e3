import { EventSystemError } from '@tradpal/events'
import type { GroupPlaces } from '../groups/index.ts'
import type { Delivery, MessageId, UnitResult, WorkQueue } from '../log/index.ts'
import type { AnyDelivery, Held } from './held.ts'
import { heldDeliveries } from './held-deliveries.ts'
import { type Intake, type IntakeParts, WAIT_MS } from './intake.ts'
import { QueueSettling } from './queue-settling.ts'
import type { DeliveryEnd } from './settling.ts'

/** So many entries are taken up, extended or handed back in one call: the log does nothing else meanwhile. */
const PAGE = 1_000
/** What others handed back, or an operator put back, is looked for at the latest after so long, in ms. */
const LOOK_MS = 2_000
/** What is given back with a delay, be it the shortest, counts as a delivery: its handlers had begun. */
const COUNTED_MS = 1

/** Entry by entry: each new entry to whichever member asks first. */
export class SharedIntake implements Intake {
  readonly #parts: IntakeParts
  readonly #group: WorkQueue
  readonly #places: GroupPlaces
  readonly #settling: QueueSettling
  #certainUntil = 0
  /** It is time to take over what others left, before anything new is read. */
  #claimIsDue = false
  #asking: Promise<unknown> | undefined

  constructor(parts: IntakeParts, places: GroupPlaces) {
    const { storage, consumer, options } = parts
    this.#parts = parts
    this.#group = storage.queue(options.group)
    this.#places = places
    this.#settling = new QueueSettling(storage, options.group, consumer)
  }

  async join(): Promise<void> {
    const { options, clock } = this.#parts
    const byKey = this.#parts.storage.partitioned?.(options.group)
    const retiredAt = await byKey?.retire()
    await this.#places.create(this.#group, retiredAt === undefined ? options.from : { after: retiredAt })
    if (retiredAt !== undefined) await byKey?.forget()
    this.#certainUntil = clock.now() + options.claimAfterMs
    await this.#takeUpOwn()
  }

  async run(): Promise<void> {
    await Promise.all([this.#readLoop(), this.#claimLoop(), this.#keepAliveLoop()])
  }

  isCertain(): boolean {
    if (this.#parts.clock.now() < this.#certainUntil) return true
    this.#asking ??= this.#mustKeepAlive().finally(() => {
      this.#asking = undefined
    })
    return false
  }

  async extend(held: Held): Promise<void> {
    const { consumer, lose } = this.#parts
    if ((await this.#group.extend(consumer, [held.delivery])).length === 0) return
    const reason = claimed(held)
    lose(held, reason)
    throw reason
  }

  acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]> {
    return this.#settling.acknowledge(deliveries)
  }

  commit(ends: readonly DeliveryEnd[]): Promise<readonly UnitResult[]> {
    return this.#settling.commit(ends)
  }

  async held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]> {
    const { storage, consumer } = this.#parts
    return heldDeliveries({ storage, group: this.#group, consumer }, deliveries)
  }

  onLost(): void {}

  onOutOfHand(): void {}

  async leave(): Promise<void> {
    const { consumer, inHand } = this.#parts
    const group = this.#group
    for (const page of pages([...inHand])) {
      const begun = page.filter(({ state }) => state === 'running').map(({ delivery }) => delivery)
      const untouched = page.filter(({ state }) => state !== 'running').map(({ delivery }) => delivery)
      if (untouched.length > 0) await group.release(consumer, untouched)
      if (begun.length > 0) await group.release(consumer, begun, { delayMs: COUNTED_MS })
    }
    await group.removeConsumer(consumer)
  }

  /** What a process of this name left that ended before it was done. */
  async #takeUpOwn(): Promise<void> {
    const { consumer, ready, accept } = this.#parts
    let last: Delivery | undefined
    do {
      const after = last === undefined ? {} : { after: last.messageId }
      const page = await this.#group.claim(consumer, { minIdleMs: 0, limit: PAGE, heldBy: consumer, ...after })
      const bringing = ready(page)
      if (bringing !== undefined) await bringing
      accept(page)
      last = page.length < PAGE ? undefined : page.at(-1)
    } while (last !== undefined)
  }

  async #readLoop(): Promise<void> {
    const { consumer, stop, room, roomChange, ready, accept } = this.#parts
    while (!stop.aborted) {
      const limit = room()
      if (limit <= 0) {
        await roomChange()
        continue
      }
      if (this.#claimIsDue) {
        await this.#claim()
        continue
      }
      await this.#attempt('read', async () => {
        const deliveries = await this.#group.read(consumer, { limit, waitMs: WAIT_MS, signal: stop })
        const bringing = ready(deliveries)
        if (bringing !== undefined) await bringing
        accept(deliveries)
      })
    }
  }

  /** A member that has no room now claims as soon as it has: what is new never comes first. */
  async #claimLoop(): Promise<void> {
    const { options, room, recovery } = this.#parts
    do {
      if (room() > 0) await this.#claim()
      else this.#claimIsDue = true
    } while (await recovery.pause(Math.min(LOOK_MS, options.claimAfterMs / 2)))
  }

  /** Takes over what dead members left, and what the living handed back. Behind a full page there may be more. */
  async #claim(): Promise<void> {
    const { consumer, options, room, ready, accept, onClaimed } = this.#parts
    const limit = room()
    if (limit <= 0) return
    await this.#attempt('claim', async () => {
      const deliveries = await this.#group.claim(consumer, { minIdleMs: options.claimAfterMs, limit })
      this.#claimIsDue = deliveries.length === limit
      const bringing = ready(deliveries)
      if (bringing !== undefined) await bringing
      if (deliveries.length > 0) onClaimed(deliveries)
      accept(deliveries)
    })
  }

  /** Tells the group that this member lives, and learns what it has lost while it did not. */
  async #keepAliveLoop(): Promise<void> {
    const { options, recovery } = this.#parts
    while (await recovery.pause(options.claimAfterMs / 3)) await this.#mustKeepAlive()
  }

  /** Asks until it is answered, or the consumer stops. */
  async #mustKeepAlive(): Promise<void> {
    while (!(await this.#attempt('extend', () => this.#keepAlive()))) if (this.#parts.stop.aborted) return
  }

  async #keepAlive(): Promise<void> {
    const { consumer, options, clock, inHand, lose, resume } = this.#parts
    const asked = clock.now()
    for (const page of pages([...inHand])) {
      const lost = await this.#group.extend(
        consumer,
        page.map(({ delivery }) => delivery)
      )
      for (const messageId of lost) {
        const one = inHand.get(messageId)
        if (one !== undefined) lose(one, claimed(one))
      }
    }
    this.#certainUntil = asked + options.claimAfterMs
    resume()
  }

  #attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    const { options, recovery } = this.#parts
    return recovery.attempt(call, work, () => this.#places.restore(this.#group, options.from))
  }
}

function pages<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / PAGE) }, (_, i) => items.slice(i * PAGE, (i + 1) * PAGE))
}

function claimed({ messageId }: Held): EventSystemError {
  return new EventSystemError('delivery_lost', `Another consumer has ${messageId} now, or its group is gone.`)
}
