import { counted, EventSystemError } from '@tradpal/events'
import type { CursorInfo, EventLog, MessageId } from '../port.ts'
import { type Defined, type Living, livingOf } from './definition.ts'
import { GROUPS, leasesOf, ofGroup, partitionName, RECORDS, REQUEUED } from './names.ts'
import { membersIn } from './seats.ts'
import { withAllLeases } from './takeover.ts'

export interface DivideOptions {
  readonly log: Pick<EventLog, 'leases' | 'cursors' | 'collections' | 'commit'>
  readonly group: string
  /** The member that asks: it does not count as one that lives. */
  readonly member: string
  readonly living: Defined<Living>
  readonly partitions: number
}

/**
 * Gives a group another number of partitions, all at the position where it stands. Rejects with `group_conflict` while a member lives or
 * something is pending. When it resolves, somebody has changed the group: look again.
 */
export async function divide(options: DivideOptions): Promise<void> {
  const { log, group, living, partitions } = options
  const { definition, revision } = living
  if (definition.partitions === partitions) return removeSurplus(options)
  const before = definition.partitions ?? 1
  await mustNotLive(options)
  await withAllLeases(log.leases, group, Math.max(before, partitions), async (fence) => {
    // Another member may have changed the group while the leases were waited for.
    if ((await livingOf(log.collections, group)).revision !== revision) return
    await mustNotLive(options)
    const position = await mustBeDrained(options, before)
    const names = Array.from({ length: partitions }, (_, partition) => partitionName(group, partition))
    for (const name of names.slice(before)) await log.cursors.create(name, { after: position })
    const changed: Living = { kind: 'living', partitions, cursors: Math.max(definition.cursors, partitions) }
    await log.commit([
      {
        fence,
        cursors: names.map((name) => ({ name, to: position })),
        write: [{ collection: GROUPS, id: group, value: JSON.stringify(changed), expected: revision }]
      }
    ])
  })
}

/** Where every partition stands, when none has anything unfinished behind it. */
export async function mustBeDrained(options: Omit<DivideOptions, 'living'>, partitions: number): Promise<MessageId> {
  const { log, group } = options
  const cursors = await cursorsOf(log, group, partitions)
  const records = await log.collections.count(RECORDS, ofGroup(group))
  const requeued = await log.collections.count(REQUEUED, ofGroup(group))
  const position = cursors[0]?.position
  const isEven = cursors.every((cursor) => cursor?.position === position)
  if (position !== undefined && isEven && records + requeued === 0) return position
  throw conflict(options, partitions, 'events of it are pending')
}

export async function mustNotLive(
  options: Pick<DivideOptions, 'log' | 'group' | 'member'> & { living?: Defined<Living>; partitions: number }
): Promise<void> {
  const { log, group, member, living } = options
  const members = membersIn(await log.leases.list(leasesOf(group)), group).filter((name) => name !== member)
  if (members.length === 0) return
  throw conflict(options, living?.definition.partitions ?? 1, `${members.join(', ')} share it so`)
}

export function cursorsOf(
  log: Pick<EventLog, 'cursors'>,
  group: string,
  partitions: number
): Promise<(CursorInfo | undefined)[]> {
  return Promise.all(
    Array.from({ length: partitions }, (_, partition) => log.cursors.get(partitionName(group, partition)))
  )
}

/** Cursors of partitions that there are no more would keep the log from being trimmed. */
async function removeSurplus({
  log,
  group,
  living: { definition, revision },
  partitions
}: DivideOptions): Promise<void> {
  for (let partition = partitions; partition < definition.cursors; partition++) {
    await log.cursors.remove(partitionName(group, partition))
  }
  const value = JSON.stringify({ ...definition, cursors: partitions })
  await log.commit([{ write: [{ collection: GROUPS, id: group, value, expected: revision }] }])
}

function conflict(
  { group, partitions }: { group: string; partitions: number },
  before: number,
  why: string
): EventSystemError {
  return new EventSystemError(
    'group_conflict',
    `The group '${group}' has ${counted(before, 'partition')}, not ${partitions}, and ${why}: change that when none of its members lives and nothing is pending.`
  )
}
