import type { Delivery, MessageId, ShardDelivery, ShardTenure } from '../port.ts'
import { shardHolder } from './holders.ts'
import { compareKnownIds } from './message-id.ts'
import type { Holder } from './settlements.ts'
import { tenureText } from './sharding-store.ts'

/** A shard that this member has been assigned, and what it has handed out of it. */
export class HeldShard {
  readonly tenure: ShardTenure
  readonly holder: Holder
  /** True when another member is to get it: nothing more is handed out. */
  isSurplus = false
  /** By message id: the attempt of what this member was given and has not settled. */
  readonly has = new Map<MessageId, number>()
  /** How many of those are being settled: the log may not have them pending any more. */
  settling = 0
  /** The greatest id that this member was given. */
  last: MessageId = '0-0'
  /** Where to look for what is pending of it and was not given yet: nowhere, behind the last that was, or everywhere. */
  unseen: 'none' | 'ahead' | 'anywhere' = 'anywhere'

  constructor(member: string, tenure: ShardTenure) {
    this.tenure = tenure
    const { shard, epoch } = tenure
    this.holder = { consumer: shardHolder(shard), shard: String(shard), tenure: tenureText(member, epoch) }
  }

  /** Notes that the member is given an entry. */
  give(delivery: Delivery): ShardDelivery {
    const { messageId, attempt } = delivery
    this.has.set(messageId, attempt)
    if (compareKnownIds(messageId, this.last) > 0) this.last = messageId
    return { ...delivery, ...this.tenure }
  }

  /** Something was routed to it that the member was not given. */
  missed(): void {
    if (this.unseen === 'none') this.unseen = 'ahead'
  }

  /** After a look at what was not given yet. That there is some, and none ahead, means that it lies before what was given last. */
  saw(count: number, mayBeMore: boolean): void {
    if (mayBeMore) return
    this.unseen = this.unseen === 'ahead' && count === 0 ? 'anywhere' : 'none'
  }

  /** What the script `next-of-shards` takes of it. */
  nextArguments(): string[] {
    const { consumer, shard, tenure } = this.holder
    if (this.unseen === 'ahead') return [consumer, shard, tenure, `(${this.last}`, '0']
    const has = [...this.has].flatMap(([messageId, attempt]) => [messageId, String(attempt)])
    return [consumer, shard, tenure, '-', String(this.has.size), ...has]
  }
}
