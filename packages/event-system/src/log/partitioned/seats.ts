import type { Lease, Leases } from '../port.ts'
import { leasesOf, memberName, partitionName } from './names.ts'
import type { Seats } from './shares.ts'

/** Who lives and who owns what, by the leases that stand. */
export async function seatsOf(leases: Leases, group: string, partitions: number): Promise<Seats> {
  return seatsIn(await leases.list(leasesOf(group)), group, partitions)
}

export function seatsIn(held: readonly Lease[], group: string, partitions: number): Seats {
  const holders = new Map(held.map(({ name, holder }) => [name, holder]))
  return {
    owners: Array.from({ length: partitions }, (_, partition) => holders.get(partitionName(group, partition))),
    members: membersIn(held, group)
  }
}

export function membersIn(held: readonly Lease[], group: string): string[] {
  return held.filter(({ name, holder }) => name === memberName(group, holder)).map(({ holder }) => holder)
}
