import type { Hold, ShardAssignment, ShardHold, ShardTenure } from '../port.ts'
import { isHeldBy, type ShardingState } from '../sharding/index.ts'
import { HeldShard } from './held-shard.ts'
import type { Holder } from './settlements.ts'

/** A member that was given more of a shard takes its count for granted: to look at everything costs the server too much then. */
const MOST_LOOKED_AT = 10_000

/** The shards that a member has been assigned, as far as it knows. */
export class HeldShards {
  readonly #member: string
  readonly #byShard = new Map<number, HeldShard>()

  constructor(member: string) {
    this.#member = member
  }

  get byShard(): ReadonlyMap<number, HeldShard> {
    return this.#byShard
  }

  all(): HeldShard[] {
    return [...this.#byShard.values()]
  }

  /** Those that may hand out. */
  open(): HeldShard[] {
    return this.all().filter(({ isSurplus }) => !isSurplus)
  }

  /** Those of which it may hand out what it has not seen yet. */
  unseen(): HeldShard[] {
    return this.open().filter(({ unseen }) => unseen !== 'none')
  }

  /** The shard, when the member has it in this tenure. */
  as({ shard, epoch }: ShardTenure): HeldShard | undefined {
    const held = this.#byShard.get(shard)
    return held?.tenure.epoch === epoch ? held : undefined
  }

  assign({ held, surplus }: ShardAssignment): void {
    this.drop(
      this.all()
        .filter(({ tenure }) => !held.some(({ shard, epoch }) => shard === tenure.shard && epoch === tenure.epoch))
        .map(({ tenure }) => tenure.shard)
    )
    for (const tenure of held) {
      const shard = this.#byShard.get(tenure.shard) ?? new HeldShard(this.#member, tenure)
      shard.isSurplus = surplus.includes(tenure.shard)
      // A look at everything, now and then, whatever was counted: nothing that was missed stays so.
      if (shard.has.size <= MOST_LOOKED_AT) shard.unseen = 'anywhere'
      this.#byShard.set(tenure.shard, shard)
    }
  }

  /** These hand out nothing more. */
  stop(shards: readonly number[]): void {
    for (const shard of shards) {
      const held = this.#byShard.get(shard)
      if (held !== undefined) held.isSurplus = true
    }
  }

  drop(shards: Iterable<number> = [...this.#byShard.keys()]): void {
    for (const shard of shards) this.#byShard.delete(shard)
  }

  /** What the member was given of shards that it has still, by the state, and has not settled. */
  givenBack(
    state: ShardingState,
    shards: readonly number[] = [...this.#byShard.keys()]
  ): (Hold & { readonly shard: number })[] {
    return shards.flatMap((shard) => {
      const held = this.#byShard.get(shard)
      if (held === undefined || !isHeldBy(state, this.#member, held.tenure)) return []
      return [...held.has].map(([messageId, attempt]) => ({ shard, messageId, attempt }))
    })
  }

  /** In whose name something of a tenure is settled, be it one that the member has no more. */
  holderOf(tenure: ShardTenure): Holder {
    return (this.as(tenure) ?? new HeldShard(this.#member, { shard: tenure.shard, epoch: tenure.epoch })).holder
  }

  batches(holds: readonly ShardHold[]): { readonly holder: Holder; readonly holds: readonly ShardHold[] }[] {
    const byTenure = Map.groupBy(holds, ({ shard, epoch }) => `${shard} ${epoch}`)
    return [...byTenure.values()].map((ofOne) => ({ holder: this.holderOf(ofOne[0] as ShardHold), holds: ofOne }))
  }

  /** Counts what is being settled: from now on the log may not have it pending any more. Returns what ends that. */
  settling(holds: readonly ShardHold[]): () => void {
    const counted = holds.flatMap((hold) => {
      const held = this.as(hold)
      return held?.has.get(hold.messageId) === hold.attempt ? [held] : []
    })
    for (const held of counted) held.settling++
    return () => {
      for (const held of counted) held.settling--
    }
  }

  forget(holds: readonly ShardHold[]): void {
    for (const hold of holds) {
      const held = this.as(hold)
      if (held?.has.get(hold.messageId) === hold.attempt) held.has.delete(hold.messageId)
    }
  }
}
