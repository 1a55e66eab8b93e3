import type { ConsumerInfo, GroupInfo } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { groupInfos } from '../group-info.ts'
import { sumOfLags } from './cursors.ts'
import { checkpointOf, NOTHING } from './ids.ts'
import type { Partition } from './partitions.ts'

/** How every group of a log stands over all partitions, or the one of a name. There is a group where partition 0 has one. */
export async function groupInfosIn(
  connection: Connection,
  partitions: readonly Partition[],
  name?: string
): Promise<GroupInfo[]> {
  const found = await Promise.all(partitions.map(({ keys }) => groupInfos(connection, keys, name)))
  const [plain = [], ...others] = found
  return plain.map((group) => joined([group, ...others.map((groups) => groups.find((one) => one.name === group.name))]))
}

function joined([plain, ...others]: readonly [GroupInfo, ...(GroupInfo | undefined)[]]): GroupInfo {
  const all = [plain, ...others]
  const there = all.filter((info) => info !== undefined)
  return {
    name: plain.name,
    partitions: null,
    consumers: joinedConsumers(there.flatMap(({ consumers }) => consumers)),
    pending: sum(there, ({ pending }) => pending),
    retrying: sum(there, ({ retrying }) => retrying),
    oldestPendingMs: greatest(there.map(({ oldestPendingMs }) => oldestPendingMs)),
    lastDelivered: checkpointOf(all.map((info) => info?.lastDelivered ?? NOTHING)),
    acknowledgedTo: checkpointOf(all.map((info) => info?.acknowledgedTo ?? NOTHING)),
    // Of a partition that has not got the group yet, it is not known.
    lag: there.length < all.length ? null : sumOfLags(there.map(({ lag }) => lag)),
    lagMs: Math.max(...there.map(({ lagMs }) => lagMs))
  }
}

function joinedConsumers(consumers: readonly ConsumerInfo[]): ConsumerInfo[] {
  const byName = new Map<string, ConsumerInfo>()
  for (const consumer of consumers) {
    const { name, pending, idleMs } = consumer
    const known = byName.get(name)
    const both = known && { pending: known.pending + pending, idleMs: Math.min(known.idleMs, idleMs) }
    byName.set(name, { ...consumer, ...both })
  }
  return [...byName.values()]
}

function sum(infos: readonly GroupInfo[], count: (info: GroupInfo) => number): number {
  return infos.reduce((total, info) => total + count(info), 0)
}

function greatest(ages: readonly (number | null)[]): number | null {
  return ages.reduce((most, age) => (age !== null && (most === null || age > most) ? age : most), null)
}
