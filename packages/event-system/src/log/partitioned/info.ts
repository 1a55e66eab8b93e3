import { EventSystemError } from '@tradpal/events'
import type { ConsumerInfo, CursorInfo, EventLog, GroupInfo, Lease, LogInfo } from '../port.ts'
import { type Definition, livingOf } from './definition.ts'
import { cursorsOf } from './divide.ts'
import { documentId, GROUPS, groupOfCursor, leasesOf, memberName, ofGroup, REPORTS, REQUEUED } from './names.ts'
import type { Report } from './reports.ts'
import { seatsIn } from './seats.ts'

const PAGE = 100

type Described = Pick<EventLog, 'collections' | 'cursors' | 'leases' | 'compare'>

/** The names of the partitioned groups that there are. */
export async function partitionedNames({ collections }: Pick<EventLog, 'collections'>): Promise<string[]> {
  const names: string[] = []
  let after: string | undefined
  for (;;) {
    const page = await collections.list(GROUPS, { limit: PAGE, ...(after !== undefined && { after }) })
    for (const { id, value } of page) if ((JSON.parse(value) as Definition).kind === 'living') names.push(id)
    after = page.at(-1)?.id
    if (page.length < PAGE) return names
  }
}

/** What a log says of itself, with its partitioned groups. What they keep in cursors is left out. */
export async function withPartitioned(log: Described, info: LogInfo): Promise<LogInfo> {
  const names = await partitionedNames(log)
  // One that was destroyed meanwhile is left out.
  const groups = await Promise.all(names.map((name) => describe(log, name).catch(ifGone)))
  return {
    ...info,
    groups: [...info.groups, ...groups.filter((group) => group !== undefined)],
    cursors: info.cursors.filter(({ name }) => groupOfCursor(name) === undefined)
  }
}

function ifGone(error: unknown): undefined {
  if (error instanceof EventSystemError && error.code === 'not_found') return undefined
  throw error
}

/** How a group stands, by its cursors and by what its members said when they renewed last. Rejects with `not_found`. */
export async function describe(log: Described, group: string): Promise<GroupInfo> {
  const { definition } = await livingOf(log.collections, group)
  const partitions = definition.partitions ?? 1
  const leases = await log.leases.list(leasesOf(group))
  const { owners, members } = seatsIn(leases, group, partitions)
  const [cursors, reports, readers, requeued] = await Promise.all([
    cursorsOf(log, group, partitions),
    reportsOf(log, group, members),
    Promise.all(members.map((member) => log.cursors.get(memberName(group, member)))),
    log.collections.count(REQUEUED, ofGroup(group))
  ])
  const isOwned = (partition: number) => owners[partition] !== undefined && members.includes(owners[partition])
  const positions = cursors.filter((cursor) => cursor !== undefined)
  const places = [...readers.filter((reader) => reader !== undefined), ...cursors.filter((_, i) => !isOwned(i))]
  const lagging = places.filter((place) => place !== undefined)
  const pending = sum(reports, (report) => sum(Object.values(report.pending), (count) => count)) + requeued
  const busy = reports.flatMap((report) => Object.keys(report.pending).map((partition) => cursors[Number(partition)]))
  return {
    name: group,
    kind: 'partitioned',
    shards: definition.partitions,
    consumers: members.map((name, i) => memberInfo(name, owners, reports[i], leases, group)),
    pending,
    retrying: sum(reports, ({ retrying }) => retrying),
    oldestPendingMs: pending === 0 ? null : Math.max(0, ...busy.map((cursor) => cursor?.lagMs ?? 0)),
    lastDeliveredId: firstOf(log, lagging.length > 0 ? lagging : positions),
    lag: lagOf(lagging),
    lagMs: Math.max(0, ...lagging.map(({ lagMs }) => lagMs))
  }
}

async function reportsOf({ collections }: Described, group: string, members: readonly string[]): Promise<Report[]> {
  const ids = members.map((member) => documentId(group, member))
  const documents = await collections.get(REPORTS, ids)
  return documents.map((document) => (document === undefined ? NO_REPORT : (JSON.parse(document.value) as Report)))
}

const NO_REPORT: Report = { leaseMs: 0, pending: {}, retrying: 0 }

function memberInfo(
  name: string,
  owners: readonly (string | undefined)[],
  { leaseMs, pending }: Report = NO_REPORT,
  leases: readonly Lease[],
  group: string
): ConsumerInfo {
  const lease = leases.find((one) => one.name === memberName(group, name))
  return {
    name,
    pending: sum(Object.values(pending), (count) => count),
    idleMs: Math.max(0, leaseMs - (lease?.expiresInMs ?? leaseMs)),
    shards: owners.flatMap((owner, partition) => (owner === name ? [partition] : []))
  }
}

function firstOf({ compare }: Described, cursors: readonly CursorInfo[]): string {
  return cursors.map(({ position }) => position).reduce((first, one) => (compare(one, first) < 0 ? one : first))
}

function lagOf(cursors: readonly CursorInfo[]): number | null {
  const lags = cursors.map(({ lag }) => lag)
  return lags.includes(null) ? null : Math.max(0, ...lags.map((lag) => lag ?? 0))
}

function sum<One>(these: readonly One[], count: (one: One) => number): number {
  return these.reduce((total, one) => total + count(one), 0)
}
