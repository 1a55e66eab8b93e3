import type { Lease, Leases } from '../port.ts'
import { leasesOf, memberName, partitionName } from './names.ts'
import type { Assignment } from './shares.ts'

/** Which members live and which partitions they own, by the leases that stand. */
export async function assignmentOf(leases: Leases, group: string, partitions: number): Promise<Assignment> {
  return assignmentIn(await leases.list(leasesOf(group)), group, partitions)
}

export function assignmentIn(held: readonly Lease[], group: string, partitions: number): Assignment {
  const holders = new Map(held.map(({ name, holder }) => [name, holder]))
  return {
    owners: Array.from({ length: partitions }, (_, partition) => holders.get(partitionName(group, partition))),
    members: membersIn(held, group)
  }
}

export function membersIn(held: readonly Lease[], group: string): string[] {
  return held.filter(({ name, holder }) => name === memberName(group, holder)).map(({ holder }) => holder)
}
