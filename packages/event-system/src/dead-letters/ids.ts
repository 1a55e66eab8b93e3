import { randomInt } from 'node:crypto'
import { v7 } from 'uuid'

/** Dead letters by id: the group, a tilde, and a UUID of version 7. */
export const DEAD_LETTERS = 'dead-letters'
/** Empty documents by group, fingerprint and UUID, with tildes between: they count the dead letters of a cause. */
export const CAUSES = 'dead-letter-causes'
/** What operators did, by UUID. */
export const ACTIONS = 'dead-letter-actions'

/** Sorts behind each id that continues with a tilde and a UUID or a fingerprint. */
const BEHIND = '~~'

/** What the ids of a group's documents begin with. No two groups share it, whatever characters their names have. */
export function prefixOf(group: string): string {
  return `${group.replaceAll('%', '%25').replaceAll('~', '%7E')}~`
}

/** The group whose prefix an id has. */
export function groupIn(id: string): string {
  return id.slice(0, id.indexOf('~')).replaceAll('%7E', '~').replaceAll('%25', '%')
}

/** An id behind all that begin as this one does, up to its last tilde. */
export function behindAllOf(id: string): string {
  return `${id.slice(0, id.lastIndexOf('~'))}${BEHIND}`
}

/** The UUID at the end of an id. */
export function uuidIn(id: string): string {
  return id.slice(id.lastIndexOf('~') + 1)
}

export function causeId({ group, fingerprint }: { group: string; fingerprint: string }, id: string): string {
  return `${prefixOf(group)}${fingerprint}~${uuidIn(id)}`
}

/** What the UUIDs of this instant or later are not less than. */
export function leastUuidAt(ms: number): string {
  const hex = Math.max(0, Math.ceil(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}`
}

/** UUIDs of version 7 (RFC 9562, section 5.7) at times that the caller says. Those of a process grow, also within a millisecond. */
export class GrowingUuids {
  #ms = Number.NEGATIVE_INFINITY
  #sequence = 0

  /** The UUID, and the time in it: that of the one before, where the clock was set back. */
  next(now: number): { readonly uuid: string; readonly ms: number } {
    const ms = Math.max(Math.floor(now), this.#ms)
    this.#sequence = ms === this.#ms ? this.#sequence + 1 : randomInt(2 ** 31)
    this.#ms = ms
    return { uuid: v7({ msecs: ms, seq: this.#sequence }), ms }
  }
}
