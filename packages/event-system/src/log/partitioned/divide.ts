import { counted, EventSystemError } from '@tradpal/events'
import type { MessageId, Storage } from '../port.ts'
import { membersIn } from './assignment.ts'
import { type Defined, type Living, livingOf } from './definition.ts'
import { GROUPS, leasesOf, ofGroup, partitionName, RECORDS, REQUEUED } from './names.ts'
import { withAllLeases } from './takeover.ts'

/** What a group is to be used for from now on. */
export interface NewUse {
  readonly storage: Pick<Storage, 'leases' | 'cursors' | 'collections' | 'commit'>
  readonly group: string
  /** The member that asks: it does not count as one that lives. */
  readonly member?: string
  /** As a sentence goes on: to give it 4 partitions. */
  readonly to: string
}

export interface DivideOptions extends Omit<NewUse, 'to'> {
  readonly living: Defined<Living>
  readonly partitions: number
}

/**
 * Gives a group another number of partitions, all at the position where it stands. Rejects with `group_conflict` while a member lives or
 * something is pending. When it resolves, somebody has changed the group: look again.
 */
export async function divide(options: DivideOptions): Promise<void> {
  const { storage, group, living, partitions } = options
  const { definition, revision } = living
  if (definition.partitions === partitions) return removeSurplus(options)
  const before = definition.partitions ?? 1
  const use = { ...options, to: `to give it ${counted(partitions, 'partition')} instead of ${before}` }
  await mustNotBeUsed(use, definition)
  await withAllLeases(storage.leases, group, Math.max(before, partitions), async (fence) => {
    // Another member may have changed the group while the leases were waited for.
    if ((await livingOf(storage.collections, group)).revision !== revision) return
    await mustNotBeUsed(use, definition)
    const position = await mustBeDrained(use, before)
    const names = Array.from({ length: partitions }, (_, partition) => partitionName(group, partition))
    for (const name of names.slice(before)) await storage.cursors.create(name, { after: position })
    const changed: Living = { kind: 'living', partitions, cursors: Math.max(definition.cursors, partitions) }
    await storage.commit([
      {
        fence,
        cursors: names.map((name) => ({ name, to: position })),
        write: [{ collection: GROUPS, id: group, value: JSON.stringify(changed), expected: revision }]
      }
    ])
  })
}

/** Members of a group that nobody has divided are those of one of this name that was destroyed: they own nothing of it, and join it as any other. */
async function mustNotBeUsed(use: NewUse, { partitions }: Living): Promise<void> {
  if (partitions !== null) await mustNotLive(use)
}

/** Where every partition stands, when none has anything unfinished behind it. */
export async function mustBeDrained({ storage, group, to }: NewUse, partitions: number): Promise<MessageId> {
  const positions = await positionsOf(storage, group, partitions)
  const records = await storage.collections.count(RECORDS, ofGroup(group))
  const requeued = await storage.collections.count(REQUEUED, ofGroup(group))
  const [position] = positions
  const isEven = positions.every((one) => one === position)
  if (position !== undefined && isEven && records + requeued === 0) return position
  throw new EventSystemError(
    'group_conflict',
    `Events of the group '${group}' are pending: ${to}, have a member that orders by key finish them and leave.`
  )
}

export async function mustNotLive({ storage, group, member, to }: NewUse): Promise<void> {
  const members = membersIn(await storage.leases.list(leasesOf(group)), group).filter((name) => name !== member)
  if (members.length === 0) return
  throw new EventSystemError(
    'group_conflict',
    `The group '${group}' is ordered by key, by ${members.join(', ')}: ${to}, let all events be finished and its members leave.`
  )
}

/** Where the partitions are. */
export function positionsOf(
  storage: Pick<Storage, 'cursors'>,
  group: string,
  partitions: number
): Promise<(MessageId | undefined)[]> {
  return storage.cursors.positions(
    Array.from({ length: partitions }, (_, partition) => partitionName(group, partition))
  )
}

/** Cursors of partitions that there are no more would keep the log from being trimmed. */
async function removeSurplus({
  storage,
  group,
  living: { definition, revision },
  partitions
}: DivideOptions): Promise<void> {
  for (let partition = partitions; partition < definition.cursors; partition++) {
    await storage.cursors.remove(partitionName(group, partition))
  }
  const value = JSON.stringify({ ...definition, cursors: partitions })
  await storage.commit([{ write: [{ collection: GROUPS, id: group, value, expected: revision }] }])
}
