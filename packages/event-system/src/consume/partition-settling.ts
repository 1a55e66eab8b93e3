import type { MessageId, PartitionDelivery, PartitionMember, PartitionUnit, UnitResult } from '../log/index.ts'
import type { AnyDelivery } from './held.ts'
import type { InFlight } from './in-flight.ts'
import { type DeliveryEnd, isLost, type Settling } from './settling.ts'

/** Settles what a member of a partitioned group holds. */
export class PartitionSettling implements Settling {
  readonly #member: PartitionMember
  readonly #inFlight: InFlight

  constructor(member: PartitionMember, inFlight: InFlight) {
    this.#member = member
    this.#inFlight = inFlight
  }

  async acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]> {
    const results = await this.#commit(deliveries.map((delivery) => ({ done: [ofPartition(delivery)] })))
    return deliveries.filter((_, i) => results[i]?.kind !== 'committed').map(({ messageId }) => messageId)
  }

  commit(ends: readonly DeliveryEnd[]): Promise<readonly UnitResult[]> {
    return this.#commit(ends.map(unitOf))
  }

  /** With one delivery the whole partition is most likely lost, and the deliveries behind it in the same key: none of those may begin. */
  async #commit(units: readonly PartitionUnit[]): Promise<readonly UnitResult[]> {
    const results = await this.#member.commit(units)
    if (results.some(isLost)) this.#inFlight.doubt()
    return results
  }
}

/** Each delivery of a partitioned group names its partition. */
export function ofPartition(delivery: AnyDelivery): PartitionDelivery {
  return delivery as PartitionDelivery
}

function unitOf({ delivery, outcome, unit }: DeliveryEnd): PartitionUnit {
  if (outcome.kind === 'done') return { ...unit, done: [ofPartition(delivery)] }
  return { ...unit, done: [], notes: { [delivery.messageId]: outcome.attachment } }
}
