import type { AppendEntry, AppendResult } from '../../port.ts'
import { groupKeys, type LogKeys, typeStreamKey } from '../keys.ts'
import type { Placed, Placing } from '../placing.ts'
import { placeOf, vectorOf } from './ids.ts'
import type { Partition, Partitions } from './partitions.ts'

/** Each event type has a stream. */
export class PlacingByType implements Placing {
  readonly scripts = { append: 'appendByType', commit: 'commitByType', cutStreams: 'cutStreamsByType' } as const
  readonly placeOf = placeOf
  readonly mustBeCheckpoint = vectorOf
  readonly #keys: LogKeys
  readonly #partitions: Partitions

  constructor(keys: LogKeys, partitions: Partitions) {
    this.#keys = keys
    this.#partitions = partitions
  }

  know(partitions: Iterable<number>): Promise<void> | undefined {
    const { known } = this.#partitions
    for (const partition of partitions) {
      if (partition >= known.length) return this.#partitions.refresh().then(() => {})
    }
    return undefined
  }

  place(entries: readonly AppendEntry[]): Placed {
    const numbers = new Map<string, string>()
    for (const { eventType } of entries) {
      if (!numbers.has(eventType)) numbers.set(eventType, String(numbers.size + 1))
    }
    const types = [...numbers.keys()]
    const { last } = this.#partitions
    return {
      keys: [this.#keys.types, this.#keys.lastId, ...types.map((type) => typeStreamKey(this.#keys, type))],
      args: [
        String(last?.number ?? 0),
        last?.first ?? '',
        String(types.length),
        ...types.flatMap((type) => [type, String(this.#partitions.numberOf(type))])
      ],
      of: ({ eventType }) => [numbers.get(eventType) as string]
    }
  }

  groupTarget(group: string, number: number): readonly string[] {
    const partition: Partition | undefined = this.#partitions.known[number]
    // A stream that no type has: nothing is held in it.
    if (partition === undefined) return [groupKeys(this.#keys, group).attachments, typeStreamKey(this.#keys, '')]
    return [groupKeys(partition.keys, group).attachments, partition.keys.stream]
  }

  otherStreams(): readonly string[] {
    return this.#partitions.known.slice(1).map(({ keys }) => keys.stream)
  }

  learn(results: readonly AppendResult[]): void {
    const { known } = this.#partitions
    const isNew = results.some(({ messageId }) => placeOf(messageId).partition >= known.length)
    // An append that knows less does more: nothing is lost when this fails.
    if (isNew) this.#partitions.refresh().catch(() => {})
  }
}
