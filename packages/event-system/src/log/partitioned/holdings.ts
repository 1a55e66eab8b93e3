import type { OwnedPartition } from '../port.ts'
import type { Partition } from './partition.ts'

/** The partitions that a member owns, as far as it knows. */
export class Holdings {
  readonly #partitions = new Map<number, Partition>()
  #surplus: ReadonlySet<number> = new Set()

  get size(): number {
    return this.#partitions.size
  }

  [Symbol.iterator](): Iterator<Partition> {
    return this.#partitions.values()
  }

  get(partition: number): Partition | undefined {
    return this.#partitions.get(partition)
  }

  /** In the same epoch: nobody else has had it since. */
  has({ partition, epoch }: OwnedPartition): boolean {
    return this.#partitions.get(partition)?.epoch === epoch
  }

  add(partition: Partition): void {
    this.#partitions.set(partition.partition, partition)
  }

  remove(partition: Partition): void {
    if (this.has(partition)) this.#partitions.delete(partition.partition)
  }

  /** These hand out nothing more. */
  setSurplus(surplus: readonly number[]): void {
    this.#surplus = new Set(surplus)
  }

  get surplus(): number[] {
    return [...this.#surplus].filter((partition) => this.#partitions.has(partition))
  }

  /** Those that hand out entries. */
  handingOut(): Partition[] {
    return [...this.#partitions.values()].filter(({ partition }) => !this.#surplus.has(partition))
  }

  tenures(): OwnedPartition[] {
    return [...this.#partitions.values()]
      .map(({ partition, epoch }) => ({ partition, epoch }))
      .sort((a, b) => a.partition - b.partition)
  }
}
