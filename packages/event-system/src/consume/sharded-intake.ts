import { EventSystemError } from '@tradpal/events'
import type {
  Delivery,
  MessageId,
  Settlement,
  SettlementResult,
  ShardHold,
  ShardMember,
  ShardTenure
} from '../log/index.ts'
import type { Contents } from './content.ts'
import type { AnyDelivery, Held } from './held.ts'
import { type Intake, type IntakeParts, WAIT_MS } from './intake.ts'
import type { AnySettlement } from './settlement.ts'

/** Shard by shard: each shard, and so each key, to one member at a time. */
export class ShardedIntake implements Intake {
  readonly #parts: IntakeParts
  readonly #member: ShardMember
  readonly #contents: Contents
  /** By shard: the epoch in which this member has it. */
  #tenures: ReadonlyMap<number, number> = new Map()
  /** By shard: the last epoch in which this member had it and has it no more. */
  readonly #past = new Map<number, number>()
  /** To be given up: of these nothing more begins, and what had not begun is dropped. So they are given up even if by then no other wants them. */
  #surplus: ReadonlySet<number> = new Set()
  /** Aborted to have the read that waits look again, for shards that this member has only now. */
  #lookAgain = new AbortController()
  #givingUp: Promise<unknown> | undefined
  #certainUntil = 0
  /** How often something said that a shard may be another's by now. */
  #doubts = 0
  #asking: Promise<unknown> | undefined
  #lastRead: MessageId | undefined

  constructor(parts: IntakeParts, contents: Contents) {
    const { group, consumer, options } = parts
    this.#parts = parts
    this.#contents = contents
    this.#member = group.sharded(consumer, {
      shards: options.shards,
      leaseMs: options.leaseMs,
      shardOf: (entry) => contents.shardOf(entry)
    })
  }

  async join(): Promise<void> {
    const { group, options } = this.#parts
    await group.create(options.from)
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

  acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]> {
    return this.#member.acknowledge(deliveries as readonly ShardHold[])
  }

  settle(settlements: readonly AnySettlement[]): Promise<readonly SettlementResult[]> {
    return this.#member.settle(settlements as readonly (Settlement & ShardTenure)[])
  }

  held(deliveries: readonly AnyDelivery[]): Promise<readonly Delivery[]> {
    return this.#member.held(deliveries as readonly ShardHold[])
  }

  /** Most likely the shard is lost, and with it what stands behind in the same key: nothing of that may begin. */
  onLost(): void {
    this.#doubts++
    this.#certainUntil = 0
    this.#ask()
  }

  onOutOfHand({ delivery: { shard } }: Held): void {
    if (shard !== undefined && this.#surplus.has(shard)) void this.#giveUpSurplus()
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
        const signal = AbortSignal.any([stop, this.#lookAgain.signal])
        const read = () => this.#member.read({ limit, waitMs: WAIT_MS, signal })
        const deliveries = await this.#contents.whileKeysComeIn(read)
        this.#lastRead = deliveries.at(-1)?.messageId ?? this.#lastRead
        const bringing = ready(deliveries)
        if (bringing !== undefined) await bringing
        accept(deliveries.filter((delivery) => this.#mayBegin(delivery)))
      })
    }
  }

  async #renewLoop(): Promise<void> {
    const { options, recovery } = this.#parts
    while (await recovery.pause(options.leaseMs / 3)) await this.#mustRenew()
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
      const { held, surplus } = await this.#member.renew()
      const tenures = new Map(held.map(({ shard, epoch }) => [shard, epoch]))
      const stillSurplus = [...this.#surplus].filter((shard) => tenures.get(shard) === this.#tenures.get(shard))
      this.#surplus = new Set([...stillSurplus, ...surplus])
      this.#change(tenures)
      this.#dropWhatIsNotOurs()
      // What raised a doubt meanwhile may have happened after the answer was given.
      if (doubts === this.#doubts) this.#certainUntil = asked + options.leaseMs
    } while (doubts !== this.#doubts)
    void this.#giveUpSurplus()
    resume()
  }

  #change(tenures: ReadonlyMap<number, number>): void {
    for (const [shard, epoch] of this.#tenures) if (tenures.get(shard) !== epoch) this.#past.set(shard, epoch)
    const hasNew = [...tenures].some(([shard, epoch]) => this.#tenures.get(shard) !== epoch)
    this.#tenures = tenures
    if (!hasNew) return
    this.#lookAgain.abort()
    this.#lookAgain = new AbortController()
  }

  /** What was handed out just before its shard was lost, or was to be given up, is not taken in. */
  #mayBegin({ shard, epoch }: ShardTenure): boolean {
    return epoch > (this.#past.get(shard) ?? -1) && !this.#surplus.has(shard)
  }

  /** Of a shard that is to be given up, only what is begun is finished here. */
  #dropWhatIsNotOurs(): void {
    const { inHand, lose } = this.#parts
    for (const held of [...inHand]) {
      const { shard, epoch } = held.delivery
      if (shard === undefined) continue
      if (this.#tenures.get(shard) !== epoch) lose(held, lostShard(shard))
      else if (this.#surplus.has(shard) && (held.state === 'queued' || held.state === 'waiting')) {
        lose(held, lostShard(shard))
      }
    }
  }

  /** Gives up the shards that another is to get, of which nothing is in hand any more. */
  async #giveUpSurplus(): Promise<void> {
    if (this.#surplus.size === 0 || this.#givingUp !== undefined) return
    this.#givingUp = this.#attempt('giveUp', async () => {
      await this.#parts.flush()
      const busy = new Set([...this.#parts.inHand].map(({ delivery }) => delivery.shard))
      const drained = [...this.#surplus].filter((shard) => !busy.has(shard))
      if (drained.length === 0) return
      await this.#member.giveUp(drained)
      this.#change(new Map([...this.#tenures].filter(([shard]) => !drained.includes(shard))))
      this.#surplus = new Set([...this.#surplus].filter((shard) => !drained.includes(shard)))
      await this.#renew()
    })
    await this.#givingUp
    this.#givingUp = undefined
  }

  #attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    const { group, options, recovery } = this.#parts
    return recovery.attempt(call, work, () =>
      group.restore(this.#lastRead === undefined ? options.from : { after: this.#lastRead })
    )
  }
}

function lostShard(shard: number): EventSystemError {
  return new EventSystemError('delivery_lost', `Another member of the group has the shard ${shard} now.`)
}
