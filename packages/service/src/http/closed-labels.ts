import { canonicalTypeOf, isKnownEventType } from '@tradpal/event-system'
import type { Counter, Histogram } from 'prom-client'

/** The value for everything outside of the closed set. */
const OTHER = 'other'
/** The type of an entry that is no valid event. */
export const NO_EVENT = 'invalid'
/** The number of groups that may have their own value before a list of the log's groups names them. */
const MOST_UNLISTED = 1_000
/** A group is gone when this number of lists in a row lack it. A group that is made while a list is read is in the next list. */
const LISTS_WITHOUT = 2

/** The label value of an event type: the type when it is registered in this process, else `other`. Null means that the entry is no valid event. */
export function typeLabel(eventType: string | null): string {
  if (eventType === null) return NO_EVENT
  const type = canonicalTypeOf(eventType)
  return isKnownEventType(type) ? type : OTHER
}

/**
 * The label values of consumer groups. Group names may come from clients, so the number of values is bounded. A group has
 * its own value when a list of the log's groups names it, or while few groups are unlisted. Otherwise it is `other`.
 */
export class GroupLabels {
  /** By group, the number of lists in a row that lack it. */
  readonly #groups = new Map<string, number>()
  #most = MOST_UNLISTED

  of(group: string): string {
    if (this.#groups.has(group)) return group
    if (this.#groups.size >= this.#most) return OTHER
    this.#groups.set(group, 0)
    return group
  }

  /** Takes the current groups of the log. Returns the groups that are gone, whose values are to be removed. */
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

/** Removes the values of these groups from metrics with the label `group`. */
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
