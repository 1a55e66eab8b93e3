import { EVENT_TYPE_ALIASES, isKnownEventType } from '@tradpal/event-system'
import type { Counter, Histogram } from 'prom-client'

/** What has no value of its own. */
const OTHER = 'other'
/** The type of an entry that is no valid event. */
export const NO_EVENT = 'invalid'
/** Groups that may have values of their own before a list of the log's groups has named them. */
const MOST_UNLISTED = 1_000
/** A group is gone when so many lists have come without it: one that was made while a list was read is in the next. */
const LISTS_WITHOUT = 2

/** The value of a label for an event type: only those that are registered in this process have one of their own. Null: no valid event. */
export function typeLabel(eventType: string | null): string {
  if (eventType === null) return NO_EVENT
  if (isKnownEventType(eventType)) return eventType
  return (Object.hasOwn(EVENT_TYPE_ALIASES, eventType) && EVENT_TYPE_ALIASES[eventType]) || OTHER
}

/**
 * The values of a label for consumer groups. Names of groups may come from clients, so that their number is bounded: a
 * group has a value of its own when a list of the log's groups names it, or while there are few that no list has named.
 */
export class GroupLabels {
  /** By group, how many lists in a row have come without it. */
  readonly #groups = new Map<string, number>()
  #most = MOST_UNLISTED

  of(group: string): string {
    if (this.#groups.has(group)) return group
    if (this.#groups.size >= this.#most) return OTHER
    this.#groups.set(group, 0)
    return group
  }

  /** Takes the groups of the log as they are now. Returns those that are gone: their values are to be removed. */
  list(groups: readonly string[]): ReadonlySet<string> {
    const listed = new Set(groups)
    const gone = new Set<string>()
    for (const [group, without] of this.#groups) {
      if (listed.has(group)) this.#groups.set(group, 0)
      else if (without + 1 < LISTS_WITHOUT) this.#groups.set(group, without + 1)
      else gone.add(group)
    }
    for (const group of gone) this.#groups.delete(group)
    for (const group of listed) this.#groups.set(group, 0)
    this.#most = listed.size + MOST_UNLISTED
    return gone
  }
}

/** Removes the values of groups from metrics that have the label `group`. */
export async function removeGroups(
  metrics: readonly (Counter | Histogram)[],
  groups: ReadonlySet<string>
): Promise<void> {
  if (groups.size === 0) return
  for (const metric of metrics) {
    for (const { labels } of (await metric.get()).values) {
      const { le: _, ...own } = labels as Record<string, string>
      if (own.group !== undefined && groups.has(own.group)) metric.remove(own)
    }
  }
}
