import { EventSystemError } from '@tradpal/events'
import type { ConsumerInfo, CursorInfo, GroupInfo, Lease, LogInfo, MessageId, Storage } from '../port.ts'
import { assignmentIn } from './assignment.ts'
import { type Definition, livingOf } from './definition.ts'
import { documentId, GROUPS, leasesOf, memberName, ofGroup, partitionName, REPORTS, REQUEUED } from './names.ts'
import { compareIn } from './order.ts'
import type { Report } from './reports.ts'

const PAGE = 100

type Described = Pick<Storage, 'collections' | 'cursors' | 'leases' | 'log'>

/** The names of the partitioned groups that there are. */
export async function partitionedNames({ collections }: Pick<Storage, 'collections'>): Promise<string[]> {
  const names: string[] = []
  let after: string | undefined
  for (;;) {
    const page = await collections.list(GROUPS, { limit: PAGE, ...(after !== undefined && { after }) })
    for (const { id, value } of page) if ((JSON.parse(value) as Definition).kind === 'living') names.push(id)
    after = page.at(-1)?.id
    if (page.length < PAGE) return names
  }
}

/** What a log says of itself, with its partitioned groups. */
export async function withPartitioned(storage: Described, info: LogInfo): Promise<LogInfo> {
  const names = await partitionedNames(storage)
  // One that was destroyed meanwhile is left out.
  const groups = await Promise.all(names.map((name) => describe(storage, name).catch(ifGone)))
  return { ...info, groups: [...info.groups, ...groups.filter((group) => group !== undefined)] }
}

function ifGone(error: unknown): undefined {
  if (error instanceof EventSystemError && error.code === 'not_found') return undefined
  throw error
}

/** How a group stands, by its cursors and by what its members said when they renewed last. Rejects with `not_found`. */
export async function describe(storage: Described, group: string): Promise<GroupInfo> {
  const { definition } = await livingOf(storage.collections, group)
  const partitions = definition.partitions ?? 1
  const leases = await storage.leases.list(leasesOf(group))
  const { owners, members } = assignmentIn(leases, group, partitions)
  const partitionNames = Array.from({ length: partitions }, (_, partition) => partitionName(group, partition))
  const memberNames = members.map((member) => memberName(group, member))
  const [positions, reports, requeued] = await Promise.all([
    storage.cursors.positions([...partitionNames, ...memberNames]),
    reportsOf(storage, group, members),
    storage.collections.count(REQUEUED, ofGroup(group))
  ])
  const tokens = new Map(leases.map(({ name, token }) => [name, token]))
  const positionOf = new Map([...partitionNames, ...memberNames].map((name, i) => [name, positions[i]]))
  // The report of a member says nothing of a partition that it has owned for a moment only.
  const handedOutBy = partitionNames.map((name, partition) => {
    const member = members.indexOf(owners[partition] ?? '')
    const isReported = reports[member]?.owned[partition] === tokens.get(name)
    return isReported && positionOf.get(memberNames[member] ?? '') !== undefined
      ? (memberNames[member] as string)
      : name
  })
  const busy = partitionNames.filter((_, partition) => reports.some(({ pending }) => pending[partition] !== undefined))
  const last = furthestBehind(storage, partitionNames, positionOf)
  const [handedOut, oldest] = await Promise.all([
    firstOf(storage, handedOutBy, positionOf),
    firstOf(storage, busy, positionOf)
  ])
  const pending = sum(reports, (report) => sum(Object.values(report.pending), (count) => count)) + requeued
  return {
    name: group,
    partitions: definition.partitions,
    consumers: members.map((name, i) => memberInfo(name, owners, reports[i], leases, group)),
    pending,
    retrying: sum(reports, ({ retrying }) => retrying),
    oldestPendingMs: pending === 0 ? null : (oldest?.lagMs ?? 0),
    lastDelivered: handedOut?.position ?? '',
    acknowledgedTo: last?.position ?? '',
    lag: handedOut?.lag ?? null,
    lagMs: handedOut?.lagMs ?? 0
  }
}

/** The cursor that is behind all others. The log counts its lag alone: that is the greatest. */
async function firstOf(
  storage: Described,
  names: readonly string[],
  positionOf: ReadonlyMap<string, MessageId | undefined>
): Promise<CursorInfo | undefined> {
  const first = furthestBehind(storage, names, positionOf)
  return first && storage.cursors.get(first.name)
}

function furthestBehind(
  { log }: Described,
  names: readonly string[],
  positionOf: ReadonlyMap<string, MessageId | undefined>
): { readonly name: string; readonly position: MessageId } | undefined {
  let first: { readonly name: string; readonly position: MessageId } | undefined
  for (const name of names) {
    const position = positionOf.get(name)
    if (position === undefined) continue
    if (first === undefined || compareIn(log, position, first.position) < 0) first = { name, position }
  }
  return first
}

async function reportsOf({ collections }: Described, group: string, members: readonly string[]): Promise<Report[]> {
  const ids = members.map((member) => documentId(group, member))
  const documents = await collections.get(REPORTS, ids)
  return documents.map((document) => (document === undefined ? NO_REPORT : (JSON.parse(document.value) as Report)))
}

const NO_REPORT: Report = { leaseMs: 0, owned: {}, pending: {}, retrying: 0 }

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
    partitions: owners.flatMap((owner, partition) => (owner === name ? [partition] : []))
  }
}

function sum<One>(these: readonly One[], count: (one: One) => number): number {
  return these.reduce((total, one) => total + count(one), 0)
}
