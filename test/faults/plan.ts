import { randomFrom } from '../support/random.ts'

/** A server that is started again answers within so long. */
const RESTART_MS = 1_000

/** How many consumer processes there are at a time. */
export const CONSUMERS = 3

/** What is done to a run, and when, in ms from its beginning. */
export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'kill'; readonly consumer: number; readonly forMs: number }
  | { readonly kind: 'freeze'; readonly consumer: number; readonly forMs: number }
  | { readonly kind: 'cut off'; readonly process: number; readonly forMs: number }
  | { readonly kind: 'restart Redis'; readonly forMs: number }
  | { readonly kind: 'delete the group' }
)

export interface PlanOptions {
  readonly seed: number
  readonly durationMs: number
  readonly leaseMs: number
  /** A file has no server to restart and no connections to cut. */
  readonly log: 'redis' | 'sqlite'
}

/**
 * The faults of a run, by time: nothing but the options decides them. Each kind happens once before any happens twice, and
 * the last second is quiet.
 */
export function planOf({ seed, durationMs, leaseMs, log }: PlanOptions): Fault[] {
  const random = randomFrom(seed)
  const between = (least: number, most: number) => Math.round(least + random() * (most - least))
  const one = (count: number) => Math.floor(random() * count)
  const makers: ((atMs: number) => Fault)[] = [
    (atMs) => ({ atMs, kind: 'kill', consumer: one(CONSUMERS), forMs: between(0, leaseMs) }),
    (atMs) => ({ atMs, kind: 'freeze', consumer: one(CONSUMERS), forMs: between(leaseMs / 2, leaseMs * 3) }),
    (atMs) => ({ atMs, kind: 'delete the group' })
  ]
  if (log === 'redis') {
    makers.push(
      // The last of the processes is the publisher.
      (atMs) => ({ atMs, kind: 'cut off', process: one(CONSUMERS + 1), forMs: between(0, leaseMs) }),
      (atMs) => ({ atMs, kind: 'restart Redis', forMs: between(100, 600) })
    )
  }
  const faults: Fault[] = []
  let deck: typeof makers = []
  const pause = Math.min(1_200, (durationMs - 1_500) / (makers.length + 1))
  for (let atMs = 500; atMs < durationMs - 1_000; atMs += between(pause / 3, pause)) {
    if (deck.length === 0) deck = [...makers]
    const [make] = deck.splice(one(deck.length), 1)
    if (make !== undefined) faults.push(make(atMs))
  }
  return faults.filter(isPossible)
}

/** A server that is down is not restarted once more. */
function isPossible(fault: Fault, index: number, faults: readonly Fault[]): boolean {
  if (fault.kind !== 'restart Redis') return true
  const before = faults.slice(0, index).findLast((earlier) => earlier.kind === fault.kind)
  return before === undefined || fault.atMs > before.atMs + before.forMs + RESTART_MS
}

/** A fault in words: `+1.25 s freeze consumer 2 for 1480 ms`. */
export function told(fault: Fault): string {
  const { atMs, kind, ...details } = fault
  const whom =
    'consumer' in details ? ` ${details.consumer}` : 'process' in details ? ` ${nameOfProcess(details.process)}` : ''
  const length = 'forMs' in details ? ` for ${details.forMs} ms` : ''
  return `+${(atMs / 1_000).toFixed(2)} s ${kind}${whom}${length}`
}

function nameOfProcess(process: number): string {
  return process < CONSUMERS ? `${process}` : 'the publisher'
}
