import { EventSystemError } from '@tradpal/events'
import {
  type Delivery,
  type MessageId,
  mustPartition,
  type OwnedPartition,
  type PartitionedGroup,
  type PartitionMember,
  type Storage
} from '../log/index.ts'
import type { Contents } from './content.ts'
import { type Fetcher, type FetcherParts, WAIT_MS } from './fetcher.ts'
import type { AnyDelivery, Held } from './held.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { ofPartition } from './partition-settling.ts'

/** The member of a partitioned group that consumes with these options. */
export function partitionMember(
  storage: Storage,
  options: ResolvedConsumeOptions,
  contents: Contents
): PartitionMember {
  const { group, consumer, leaseMs, partitions } = options
  const cut = { partitions, partitionOf: contents.partitionOf.bind(contents) }
  return mustPartition(storage, group).join(consumer, { leaseMs, cut })
}

export interface PartitionFetcherParts extends FetcherParts {
  readonly member: PartitionMember
  readonly contents: Contents
}

/** Partition by partition: each partition, and so each key, goes to one member at a time. */
export class PartitionFetcher implements Fetcher {
  readonly #parts: PartitionFetcherParts
  readonly #group: PartitionedGroup
  /** By partition: the epoch in which this member owns it. */
  #owned: ReadonlyMap<number, number> = new Map()
  /** By partition: the last epoch in which this member owned it and does not any more. */
  readonly #past = new Map<number, number>()
  /** To be given up: no delivery of these begins, and those that had not begun are dropped. So they are given up even if by then no other member wants them. */
  #surplus: ReadonlySet<number> = new Set()
  #lastRead: MessageId | undefined

  constructor(parts: PartitionFetcherParts) {
    this.#parts = parts
    this.#group = mustPartition(parts.storage, parts.options.group)
  }

  async join(): Promise<void> {
    await this.#group.create(this.#parts.options.from)
    await this.#renew()
  }

  async run(): Promise<void> {
    await Promise.all([this.#readLoop(), this.#renewLoop(), this.#doubtLoop(), this.#giveUpLoop()])
  }

  async extend(held: Held): Promise<void> {
    await this.#renew()
    if (held.lostBecause !== undefined) throw held.lostBecause
  }

  /** The attachment of an entry has not changed since it was delivered: this member alone writes it. */
  async held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]> {
    const own = deliveries.map(ofPartition).filter((delivery) => this.#owned.get(delivery.partition) === delivery.epoch)
    const entries = await this.#parts.storage.log.get(own.map(({ messageId }) => messageId))
    return own.flatMap((delivery, i) => {
      const entry = entries[i]
      return entry === undefined ? [] : [{ ...delivery, ...entry }]
    })
  }

  leave(): Promise<void> {
    return this.#parts.member.leave()
  }

  async #readLoop(): Promise<void> {
    const { stop, inFlight, member, contents, decoder } = this.#parts
    while (!stop.aborted) {
      const limit = inFlight.room
      if (limit === 0) {
        await inFlight.when(() => inFlight.room > 0, stop)
        continue
      }
      await this.#attempt('read', async () => {
        const read = () => member.read({ limit, waitMs: WAIT_MS, signal: stop })
        const deliveries = await contents.whileKeysComeIn(read)
        this.#lastRead = deliveries.at(-1)?.messageId ?? this.#lastRead
        const decoded = await decoder.decode(deliveries)
        inFlight.delivered(decoded.filter(({ delivery }) => this.#mayBegin(ofPartition(delivery))))
      })
    }
  }

  async #renewLoop(): Promise<void> {
    const { clock, options, recovery } = this.#parts
    const everyMs = options.leaseMs / 3
    let begun = clock.now()
    // A log that is slow to answer does not put off the next renewal.
    while (await recovery.pause(Math.max(1, begun + everyMs - clock.now()))) {
      begun = clock.now()
      await this.#mustRenew()
    }
  }

  async #doubtLoop(): Promise<void> {
    const { inFlight, clock, stop } = this.#parts
    while (!stop.aborted) {
      await inFlight.when(() => inFlight.lacksCertainty(clock.now()), stop)
      if (!stop.aborted) await this.#mustRenew()
    }
  }

  /** Asks until it is answered, or the consumer stops. */
  async #mustRenew(): Promise<void> {
    while (!(await this.#attempt('renew', () => this.#renew()))) if (this.#parts.stop.aborted) return
  }

  async #renew(): Promise<void> {
    const { clock, options, inFlight, member } = this.#parts
    do {
      // A doubt that is raised meanwhile may be about something that happened after the answer.
      const { doubts } = inFlight
      const asked = clock.now()
      const { owned, surplus } = await member.renew()
      const epochs = new Map(owned.map(({ partition, epoch }) => [partition, epoch]))
      const stillSurplus = [...this.#surplus].filter((one) => epochs.get(one) === this.#owned.get(one))
      this.#surplus = new Set([...stillSurplus, ...surplus])
      this.#change(epochs)
      this.#dropWhatIsNotOurs()
      inFlight.certain(asked + options.leaseMs, doubts)
    } while (inFlight.isInDoubt)
  }

  #change(owned: ReadonlyMap<number, number>): void {
    for (const [partition, epoch] of this.#owned) {
      if (owned.get(partition) !== epoch) this.#past.set(partition, epoch)
    }
    this.#owned = owned
  }

  /** A delivery that comes just when its partition is lost, or is to be given up, is not taken in. */
  #mayBegin({ partition, epoch }: OwnedPartition): boolean {
    return epoch > (this.#past.get(partition) ?? -1) && !this.#surplus.has(partition)
  }

  /** Of a partition that is to be given up, only what is begun is finished here. */
  #dropWhatIsNotOurs(): void {
    const { inFlight } = this.#parts
    for (const held of [...inFlight]) {
      const { partition, epoch } = ofPartition(held.delivery)
      const hasBegun = held.state !== 'queued' && held.state !== 'waiting'
      if (this.#owned.get(partition) !== epoch || (this.#surplus.has(partition) && !hasBegun)) {
        inFlight.lost(held, lostPartition(partition))
      }
    }
  }

  /** Gives up the partitions that another member is to get, once nothing of them is in flight. */
  async #giveUpLoop(): Promise<void> {
    const { stop, inFlight, acknowledger, member } = this.#parts
    while (!stop.aborted) {
      await inFlight.when(() => this.#drained().length > 0, stop)
      if (stop.aborted) return
      await this.#attempt('giveUp', async () => {
        await acknowledger.flush()
        const drained = this.#drained()
        await member.giveUp(drained)
        this.#change(new Map([...this.#owned].filter(([partition]) => !drained.includes(partition))))
        this.#surplus = new Set([...this.#surplus].filter((partition) => !drained.includes(partition)))
        await this.#renew()
      })
    }
  }

  #drained(): number[] {
    return [...this.#surplus].filter((partition) => this.#parts.inFlight.countOf(partition) === 0)
  }

  #attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    const { options, recovery } = this.#parts
    return recovery.attempt(call, work, () =>
      this.#group.restore(this.#lastRead === undefined ? options.from : { after: this.#lastRead })
    )
  }
}

function lostPartition(partition: number): EventSystemError {
  return new EventSystemError('delivery_lost', `Another member of the group has the partition ${partition} now.`)
}
