import { randomFrom } from '../support/random.ts'
import { CLIENT, PUBLISHERS } from './settings.ts'

/** A server or process that is started again is at work within so long. */
const RESTART_MS = 1_000
/** Behind the last fault. */
const QUIET_MS = 1_000

export type FaultKind =
  | 'kill Redis'
  | 'freeze Redis'
  | 'kill a publisher'
  | 'freeze a publisher'
  | 'kill the service'
  | 'fill the disk'
  | 'cut off'
  | 'lose answers'
  | 'delay'
  | 'reset'

/** What is done to a run, and when, in ms from its beginning. `whom`: a publisher, or the service by the name of its client. */
export interface Fault {
  readonly atMs: number
  readonly kind: FaultKind
  readonly forMs: number
  readonly whom: string
}

export interface PlanOptions {
  readonly seed: number
  readonly durationMs: number
  readonly faults: readonly FaultKind[]
  /** The longest outage, in ms. */
  readonly longestMs: number
}

/** The faults of a run, by time: nothing but the options decides them. Each kind happens once before any happens twice. */
export function planOf({ seed, durationMs, faults: kinds, longestMs }: PlanOptions): Fault[] {
  const random = randomFrom(seed)
  const between = (least: number, most: number) => Math.round(least + random() * (most - least))
  const oneOf = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
  const everybody = [...PUBLISHERS, CLIENT]
  const make = (kind: FaultKind, atMs: number): Fault => {
    const isOfRedis = kind.endsWith('Redis')
    const forMs = kind === 'reset' ? 0 : isOfRedis ? between(longestMs / 3, longestMs) : between(100, longestMs / 2)
    const whom = isOfRedis ? 'Redis' : oneOf(kind.endsWith('publisher') ? PUBLISHERS : everybody)
    return { atMs, kind, forMs, whom: kind === 'kill the service' ? CLIENT : whom }
  }
  const faults: Fault[] = []
  let deck: FaultKind[] = []
  const last = durationMs - QUIET_MS
  const pause = Math.min(longestMs, (last - 500) / (kinds.length + 1))
  for (let atMs = 500; atMs < last; atMs += between(pause / 3, pause)) {
    if (deck.length === 0) deck = [...kinds]
    const [kind] = deck.splice(Math.floor(random() * deck.length), 1)
    const fault = kind === undefined ? undefined : make(kind, atMs)
    if (fault !== undefined && isPossible(fault, faults)) faults.push(fault)
  }
  return faults
}

/** What is down or frozen is neither killed nor frozen once more. */
function isPossible({ atMs, kind, whom }: Fault, before: readonly Fault[]): boolean {
  const same = before.filter(
    (earlier) => earlier.whom === whom && isOfTheNetwork(earlier.kind) === isOfTheNetwork(kind)
  )
  return same.every((earlier) => atMs > earlier.atMs + earlier.forMs + RESTART_MS)
}

function isOfTheNetwork(kind: FaultKind): boolean {
  return !/^(kill|freeze)/.test(kind)
}

/** A fault in words: `+1.25 s freeze Redis for 1480 ms`. */
export function told({ atMs, kind, whom, forMs }: Fault): string {
  const to = kind.endsWith(whom) || kind === 'kill the service' ? '' : ` (${whom})`
  return `+${(atMs / 1_000).toFixed(2)} s ${kind}${to}${forMs > 0 ? ` for ${forMs} ms` : ''}`
}
