import type { Entry } from './diary.ts'

/** An entry of the log, as its raw driver reads it. */
export interface LogEntry {
  readonly messageId: string
  /** An event that was published, or the effect of one. */
  readonly what: 'event' | 'effect'
  /** Of the event, or of the event that the effect is of. */
  readonly key: string
  readonly number: number
}

/** What a run left. */
export interface Evidence {
  readonly diary: readonly Entry[]
  /** In log order. */
  readonly log: readonly LogEntry[]
  readonly deadLetters: number
}

export type FindingName =
  | 'forgotten by the log'
  | 'lost'
  | 'out of order'
  | 'effects missing'
  | 'effects doubled'
  | 'effects out of order'

export interface Verdict {
  readonly events: number
  readonly handlings: number
  /** Handlings beyond the first of each event and those that follow a failure. */
  readonly redeliveries: number
  readonly failures: number
  /** Handlings that began although a later owner of the key had begun before. */
  readonly late: number
  readonly deadLetters: number
  /** What went wrong, `key number` each. */
  readonly findings: Readonly<Record<FindingName, readonly string[]>>
}

/** Holds what the handlers wrote down against the log. It knows nothing of how the log is made. */
export function check({ diary, log, deadLetters }: Evidence): Verdict {
  const events = log.filter(({ what }) => what === 'event').map(nameOf)
  const effects = log.filter(({ what }) => what === 'effect')
  const inLog = new Set(events)
  const accepted = diary.filter(({ what }) => what === 'accepted').map(nameOf)
  const begun = diary.filter(({ what }) => what === 'begun')
  const done = new Set(diary.filter(({ what }) => what === 'done').map(nameOf))
  const failures = diary.filter(({ what }) => what === 'failed').length
  const timesEffected = new Map<string, number>()
  for (const effect of effects) timesEffected.set(nameOf(effect), (timesEffected.get(nameOf(effect)) ?? 0) + 1)
  const handled = new Set(begun.map(nameOf))
  return {
    events: events.length,
    handlings: begun.length,
    redeliveries: Math.max(0, begun.length - handled.size - failures),
    failures,
    late: late(diary),
    deadLetters,
    findings: {
      'forgotten by the log': accepted.filter((name) => !inLog.has(name)),
      lost: events.filter((name) => !done.has(name)),
      'out of order': outOfOrder(diary),
      'effects missing': events.filter((name) => !timesEffected.has(name)),
      'effects doubled': [...timesEffected].filter(([, times]) => times > 1).map(([name]) => name),
      'effects out of order': disordered(effects)
    }
  }
}

/** Events that a handler began with, for the first time, before the one before it in its key was done. */
function outOfOrder(diary: readonly Entry[]): string[] {
  const begun = new Set<string>()
  const done = new Set<string>()
  const found: string[] = []
  for (const entry of diary) {
    const name = nameOf(entry)
    if (entry.what === 'done') done.add(name)
    if (entry.what !== 'begun' || begun.has(name)) continue
    begun.add(name)
    if (entry.number > 1 && !done.has(nameOf({ key: entry.key, number: entry.number - 1 }))) found.push(name)
  }
  return found
}

/** Effects that stand in the log behind one of a later event of their key. */
function disordered(effects: readonly LogEntry[]): string[] {
  const latest = new Map<string, number>()
  return effects
    .filter(({ key, number }) => {
      const before = latest.get(key) ?? 0
      latest.set(key, Math.max(before, number))
      return number < before
    })
    .map(nameOf)
}

function late(diary: readonly Entry[]): number {
  const tokens = new Map<string, number>()
  let count = 0
  for (const entry of diary) {
    if (entry.what !== 'begun') continue
    const highest = tokens.get(entry.key) ?? 0
    if (entry.token < highest) count++
    tokens.set(entry.key, Math.max(highest, entry.token))
  }
  return count
}

function nameOf({ key, number }: { readonly key: string; readonly number: number }): string {
  return `${key} ${number}`
}

/** What must not have happened. Without order by key, the order is nobody's promise. */
export function faultsFound({ findings }: Verdict, ordering: 'key' | 'none'): string[] {
  const ofOrder: readonly string[] = ['out of order', 'effects out of order'] satisfies FindingName[]
  return Object.entries(findings)
    .filter(([name, found]) => found.length > 0 && (ordering === 'key' || !ofOrder.includes(name)))
    .map(([name, found]) => `${name}: ${found.length}`)
}
