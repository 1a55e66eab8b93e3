import { type Clock, counted, EventSystemError } from '@tradpal/events'
import type { GroupPlaces } from '../../groups/index.ts'
import { gapBehind, type Position, type Storage } from '../../log/index.ts'

/** After the log was found to be full of groups, makers are refused without counting again for this long, in ms. */
const FULL_MS = 1_000

export interface GroupMakerParts {
  readonly storage: Storage
  readonly places: GroupPlaces
  readonly clock: Clock
  /** How many groups the log may have. */
  readonly maxGroups: number
}

/**
 * Makes groups that callers ask for by name, as long as the log has fewer than it may. One after the other, so that many
 * callers of this process do not pass the limit together; of several processes, each may pass it by one.
 */
export class GroupMaker {
  readonly #parts: GroupMakerParts
  #last: Promise<unknown> = Promise.resolve()
  #fullAt = Number.NEGATIVE_INFINITY

  constructor(parts: GroupMakerParts) {
    this.#parts = parts
  }

  /**
   * Makes a group where it stood, or `from` there when nothing is known of it. Resolves to false when it is there. `prepare`
   * runs before it is made, and keeps it from being made when it rejects. Rejects with `group_conflict` when the log is full.
   */
  make(name: string, from: Position, prepare: () => Promise<void>): Promise<boolean> {
    const made = this.#last.then(() => this.#make(name, from, prepare))
    this.#last = made.catch(() => {})
    return made
  }

  async #make(name: string, from: Position, prepare: () => Promise<void>): Promise<boolean> {
    const { storage, places, clock, maxGroups } = this.#parts
    const sinceFullMs = clock.now() - this.#fullAt
    if (sinceFullMs >= 0 && sinceFullMs < FULL_MS) throw tooMany(name, maxGroups)
    const names = await storage.groupNames()
    if (names.includes(name)) return false
    if (names.length >= maxGroups) {
      this.#fullAt = clock.now()
      throw tooMany(name, maxGroups)
    }
    if (typeof from === 'object' && 'after' in from) await gapBehind(storage, from.after)
    await prepare()
    return places.restore(storage.queue(name), from)
  }
}

function tooMany(name: string, maxGroups: number): EventSystemError {
  const sentence = `The group ${name} is not made: the log has ${counted(maxGroups, 'consumer group')}, as many as it may (EVENT_MAX_GROUPS). Drop groups that nobody needs, or set a higher limit.`
  return new EventSystemError('group_conflict', sentence)
}
