import { EventSystemError } from '@tradpal/events'
import type { TextVault } from './text-vault.ts'

/** Where an entry stands in a group: what is sealed there is opened nowhere else. */
export type Place = readonly [group: string, messageId: string]

export function sealProgress(progress: string, [group, messageId]: Place, vault: TextVault): string {
  return vault.seal(['note', group, messageId], progress)
}

/**
 * A progress that cannot be opened now stays as it is: it is known as one by its form. A plain one where encryption is required is
 * an empty one, which says of no handler that it is done: somebody else may have written it.
 */
export function openProgress(progress: string, [group, messageId]: Place, vault: TextVault): string {
  try {
    return vault.open(['note', group, messageId], progress)
  } catch (error) {
    return error instanceof EventSystemError && error.code === 'not_encrypted' ? '' : progress
  }
}
