import { EventSystemError } from '@tradpal/events'
import type { Collections, MessageId } from '../port.ts'
import { GROUPS } from './names.ts'

/** What a group is: its document. */
export type Definition = Living | Destroyed

export interface Living {
  readonly kind: 'living'
  /** `null` until the first member joins. Then there is the cursor of partition 0 alone. */
  readonly partitions: number | null
  /** The number of cursors that there may be: above the number of partitions while surplus ones are removed. */
  readonly cursors: number
}

/** Kept so that a group is restored where it stood. */
export interface Destroyed {
  readonly kind: 'destroyed'
  readonly position: MessageId
  readonly cursors: number
  /** A group that shares entry by entry is to go on at the position, and has not begun yet. */
  readonly isRetired?: true
}

export interface Defined<Kind extends Definition = Definition> {
  readonly definition: Kind
  readonly revision: number
}

export async function definitionOf(collections: Collections, group: string): Promise<Defined | undefined> {
  const [document] = await collections.get(GROUPS, [group])
  if (document === undefined) return undefined
  return { definition: JSON.parse(document.value) as Definition, revision: document.revision }
}

/** Rejects with `not_found`. */
export async function livingOf(collections: Collections, group: string): Promise<Defined<Living>> {
  const defined = await definitionOf(collections, group)
  if (defined !== undefined && isLiving(defined)) return defined
  throw new EventSystemError('not_found', `There is no partitioned group ${group}; its first consumer makes it.`)
}

export function isLiving(defined: Defined): defined is Defined<Living> {
  return defined.definition.kind === 'living'
}
