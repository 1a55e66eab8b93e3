import { EventSystemError } from '@tradpal/events'
import type { PartitionedGroup, Storage } from './port.ts'

/** The partitioned group of a name. Undefined when there is none, or the storage has no such groups. */
export async function partitionedGroup(
  storage: Pick<Storage, 'partitioned'>,
  name: string
): Promise<PartitionedGroup | undefined> {
  const group = storage.partitioned?.(name)
  return (await group?.exists()) ? group : undefined
}

/** A handle of a partitioned group. Throws `unsupported` where the storage has no such groups. */
export function mustPartition(storage: Pick<Storage, 'partitioned' | 'location'>, name: string): PartitionedGroup {
  const group = storage.partitioned?.(name)
  if (group !== undefined) return group
  const sentence = `The log at ${storage.location} cannot keep the order by key: consume ${name} without ordering, or from a log with one partition.`
  throw new EventSystemError('unsupported', sentence)
}
