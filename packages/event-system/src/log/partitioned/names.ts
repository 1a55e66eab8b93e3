/** One document for each group: what it is. By the group's name. */
export const GROUPS = 'partitioned-groups'
/** Beside the cursors of partitions: what is not contiguous. */
export const RECORDS = 'partition-records'
/** What members have in flight. */
export const REPORTS = 'partition-members'
/** The entries that were requeued, with their attachments. */
export const REQUEUED = 'partition-requeued'

const PREFIX = 'g/'

/** What the names of everything of a group begin with, but for {@link PREFIX}. Slashes in its own name are escaped. */
export function ofGroup(group: string): string {
  return `${group.replace(/[%/]/g, encodeURIComponent)}/`
}

export function leasesOf(group: string): string {
  return `${PREFIX}${ofGroup(group)}`
}

/** The lease that says who lives, and the cursor that shows how far a member has handed out. */
export function memberName(group: string, member: string): string {
  return `${leasesOf(group)}m/${member}`
}

/** The lease of a process that changes the group. */
export function changeName(group: string): string {
  return `${leasesOf(group)}change`
}

/** The lease and the cursor of a partition. */
export function partitionName(group: string, partition: number): string {
  return `${leasesOf(group)}${partition}`
}

/** The id of a document of a partition, a member or an entry. */
export function documentId(group: string, name: string | number): string {
  return `${ofGroup(group)}${name}`
}

/** The group that a cursor is a part of; undefined for any other cursor. */
export function groupOfCursor(cursor: string): string | undefined {
  const [, group] = /^g\/([^/]+)\//.exec(cursor) ?? []
  return group?.replace(/%(25|2F)/g, decodeURIComponent)
}
