import type { MessageId, Storage, Unit, UnitResult } from '../log/index.ts'
import type { AnyDelivery } from './held.ts'
import type { DeliveryEnd, Settling } from './settling.ts'

/** Units that one call of the log takes. */
const UNITS = 100

/** Settles what a consumer holds of a group that shares entry by entry. */
export class QueueSettling implements Settling {
  readonly #storage: Storage
  readonly #group: string
  readonly #consumer: string

  constructor(storage: Storage, group: string, consumer: string) {
    this.#storage = storage
    this.#group = group
    this.#consumer = consumer
  }

  acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]> {
    return this.#storage.queue(this.#group).acknowledge(this.#consumer, deliveries)
  }

  async commit(ends: readonly DeliveryEnd[]): Promise<readonly UnitResult[]> {
    const results: UnitResult[] = []
    for (let from = 0; from < ends.length; from += UNITS) {
      const units = ends.slice(from, from + UNITS).map((end) => this.#unitOf(end))
      results.push(...(await this.#storage.commit(units)))
    }
    return results
  }

  #unitOf({ delivery: { messageId, attempt }, outcome, unit }: DeliveryEnd): Unit {
    const [group, consumer] = [this.#group, this.#consumer]
    if (outcome.kind === 'done') return { ...unit, acknowledge: [{ group, consumer, messageId, attempt }] }
    const attach = { group, messageId, text: outcome.attachment, if: { consumer, attempt } }
    return { ...unit, attach: [attach] }
  }
}
