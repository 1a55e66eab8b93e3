import { EventSystemError } from '@tradpal/events'
import {
  type Delivery,
  type MessageId,
  mustPartition,
  type OwnedPartition,
  type PartitionDelivery,
  type PartitionedGroup,
  type PartitionMember,
  type PartitionUnit,
  type UnitResult
} from '../log/index.ts'
import type { Contents } from './content.ts'
import type { AnyDelivery, Held } from './held.ts'
import { type Intake, type IntakeParts, WAIT_MS } from './intake.ts'
import type { DeliveryEnd } from './settling.ts'

/** Partition by partition: each partition, and so each key, to one member at a time. */
export class PartitionedIntake implements Intake {
  readonly #parts: IntakeParts
  readonly #group: PartitionedGroup
  readonly #member: PartitionMember
  readonly #contents: Contents
  /** By partition: the epoch in which this member owns it. */
  #owned: ReadonlyMap<number, number> = new Map()
  /** By partition: the last epoch in which this member owned it and does no more. */
  readonly #past = new Map<number, number>()
  /** To be given up: nothing more of these begins, and what had not begun is dropped. So they are given up even if by then no other wants them. */
  #surplus: ReadonlySet<number> = new Set()
  #givingUp: Promise<unknown> | undefined
  #certainUntil = 0
  /** How often something said that another may own a partition by now. */
  #doubts = 0
  #asking: Promise<unknown> | undefined
  #lastRead: MessageId | undefined

  constructor(parts: IntakeParts, contents: Contents) {
    const { storage, consumer, options } = parts
    this.#parts = parts
    this.#contents = contents
    this.#group = mustPartition(storage, options.group)
    this.#member = this.#group.join(consumer, {
      leaseMs: options.leaseMs,
      cut: { partitions: options.partitions, partitionOf: (entry) => contents.partitionOf(entry) }
    })
  }

  async join(): Promise<void> {
    await this.#group.create(this.#parts.options.from)
    await this.#renew()
  }

  async run(): Promise<void> {
    await Promise.all([this.#readLoop(), this.#renewLoop()])
  }

  isCertain(): boolean {
    if (this.#parts.clock.now() < this.#certainUntil) return true
    this.#ask()
    return false
  }

  #ask(): void {
    this.#asking ??= this.#mustRenew().finally(() => {
      this.#asking = undefined
    })
  }

  async extend(held: Held): Promise<void> {
    await this.#renew()
    if (held.lostBecause !== undefined) throw held.lostBecause
  }

  async acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]> {
    const results = await this.#member.commit(deliveries.map((delivery) => ({ done: [ofPartition(delivery)] })))
    return deliveries.filter((_, i) => results[i]?.kind !== 'committed').map(({ messageId }) => messageId)
  }

  commit(ends: readonly DeliveryEnd[]): Promise<readonly UnitResult[]> {
    return this.#member.commit(ends.map(unitOf))
  }

  /** What the group keeps with an entry has not changed since it was delivered: this member alone writes that. */
  async held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]> {
    const own = deliveries.map(ofPartition).filter((delivery) => this.#owned.get(delivery.partition) === delivery.epoch)
    const entries = await this.#parts.storage.log.get(own.map(({ messageId }) => messageId))
    return own.flatMap((delivery, i) => {
      const entry = entries[i]
      return entry === undefined ? [] : [{ ...delivery, ...entry }]
    })
  }

  /** Most likely the partition is lost, and with it what stands behind in the same key: nothing of that may begin. */
  onLost(): void {
    this.#doubts++
    this.#certainUntil = 0
    this.#ask()
  }

  onOutOfHand({ delivery: { partition } }: Held): void {
    if (partition !== undefined && this.#surplus.has(partition)) void this.#giveUpSurplus()
  }

  leave(): Promise<void> {
    return this.#member.leave()
  }

  async #readLoop(): Promise<void> {
    const { stop, room, roomChange, ready, accept } = this.#parts
    while (!stop.aborted) {
      const limit = room()
      if (limit <= 0) {
        await roomChange()
        continue
      }
      await this.#attempt('read', async () => {
        const read = () => this.#member.read({ limit, waitMs: WAIT_MS, signal: stop })
        const deliveries = await this.#contents.whileKeysComeIn(read)
        this.#lastRead = deliveries.at(-1)?.messageId ?? this.#lastRead
        const bringing = ready(deliveries)
        if (bringing !== undefined) await bringing
        accept(deliveries.filter((delivery) => this.#mayBegin(delivery)))
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

  /** Asks until it is answered, or the consumer stops. */
  async #mustRenew(): Promise<void> {
    while (!(await this.#attempt('renew', () => this.#renew()))) if (this.#parts.stop.aborted) return
  }

  async #renew(): Promise<void> {
    const { clock, options, resume } = this.#parts
    let doubts: number
    do {
      doubts = this.#doubts
      const asked = clock.now()
      const { owned, surplus } = await this.#member.renew()
      const epochs = new Map(owned.map(({ partition, epoch }) => [partition, epoch]))
      const stillSurplus = [...this.#surplus].filter((one) => epochs.get(one) === this.#owned.get(one))
      this.#surplus = new Set([...stillSurplus, ...surplus])
      this.#change(epochs)
      this.#dropWhatIsNotOurs()
      // What raised a doubt meanwhile may have happened after the answer was given.
      if (doubts === this.#doubts) this.#certainUntil = asked + options.leaseMs
    } while (doubts !== this.#doubts)
    void this.#giveUpSurplus()
    resume()
  }

  #change(owned: ReadonlyMap<number, number>): void {
    for (const [partition, epoch] of this.#owned) {
      if (owned.get(partition) !== epoch) this.#past.set(partition, epoch)
    }
    this.#owned = owned
  }

  /** What was handed out just before its partition was lost, or was to be given up, is not taken in. */
  #mayBegin({ partition, epoch }: OwnedPartition): boolean {
    return epoch > (this.#past.get(partition) ?? -1) && !this.#surplus.has(partition)
  }

  /** Of a partition that is to be given up, only what is begun is finished here. */
  #dropWhatIsNotOurs(): void {
    const { inHand, lose } = this.#parts
    for (const held of [...inHand]) {
      const { partition, epoch } = held.delivery
      if (partition === undefined) continue
      if (this.#owned.get(partition) !== epoch) lose(held, lostPartition(partition))
      else if (this.#surplus.has(partition) && (held.state === 'queued' || held.state === 'waiting')) {
        lose(held, lostPartition(partition))
      }
    }
  }

  /** Gives up the partitions that another is to get, of which nothing is in hand any more. */
  async #giveUpSurplus(): Promise<void> {
    if (this.#surplus.size === 0 || this.#givingUp !== undefined) return
    this.#givingUp = this.#attempt('giveUp', async () => {
      await this.#parts.flush()
      const busy = new Set([...this.#parts.inHand].map(({ delivery }) => delivery.partition))
      const drained = [...this.#surplus].filter((partition) => !busy.has(partition))
      if (drained.length === 0) return
      await this.#member.giveUp(drained)
      this.#change(new Map([...this.#owned].filter(([partition]) => !drained.includes(partition))))
      this.#surplus = new Set([...this.#surplus].filter((partition) => !drained.includes(partition)))
      await this.#renew()
    })
    await this.#givingUp
    this.#givingUp = undefined
  }

  #attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    const { options, recovery } = this.#parts
    return recovery.attempt(call, work, () =>
      this.#group.restore(this.#lastRead === undefined ? options.from : { after: this.#lastRead })
    )
  }
}

function unitOf({ delivery, outcome, unit }: DeliveryEnd): PartitionUnit {
  if (outcome.kind === 'done') return { ...unit, done: [ofPartition(delivery)] }
  return { ...unit, done: [], notes: { [delivery.messageId]: outcome.attachment } }
}

/** Each delivery of this intake names its partition. */
function ofPartition(delivery: AnyDelivery): PartitionDelivery {
  return delivery as PartitionDelivery
}

function lostPartition(partition: number): EventSystemError {
  return new EventSystemError('delivery_lost', `Another member of the group has the partition ${partition} now.`)
}
