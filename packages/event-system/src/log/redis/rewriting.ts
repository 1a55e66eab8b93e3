import { EventSystemError } from '@tradpal/events'
import { mustBeStep } from './arguments.ts'

/** So often texts are read again that others have changed first. */
const MOST_ATTEMPTS = 100

export interface Rewriting<Kept> {
  /** What there is of these. */
  readonly read: (ids: readonly string[]) => Promise<readonly Kept[]>
  /** What the script takes of one: as it is, and as it is to be. Undefined when it is to stay. */
  readonly change: (kept: Kept) => readonly string[] | undefined
  /** Writes those that are as they were. Resolves to the ids of the others. */
  readonly write: (args: readonly string[]) => Promise<readonly string[]>
}

/** Reads, changes and writes, until nothing was changed by others in between. Resolves to how many were written. */
export async function rewriteAll<Kept>(
  ids: readonly string[],
  { read, change, write }: Rewriting<Kept>
): Promise<number> {
  mustBeStep(ids)
  let written = 0
  let left: readonly string[] = ids
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const changes = (await read(left)).map(change).filter((args) => args !== undefined)
    if (changes.length === 0) return written
    left = await write(changes.flat())
    written += changes.length - left.length
    if (left.length === 0) return written
  }
  throw new EventSystemError('log_busy', `Others changed what was to be rewritten ${MOST_ATTEMPTS} times.`)
}
