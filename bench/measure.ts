/** One comparison: our figure beside a peer's, from the same run. */
export interface Comparison {
  /** What is measured, in words. */
  readonly what: string
  readonly unit: 'events/s' | 'requests/s' | 'bytes' | 'ms' | 'MB' | '%'
  readonly ours: number
  /** Who the peer is, and its figure. */
  readonly peer?: string
  readonly theirs?: number
  /** Ours to theirs. Of several runs: the median of their ratios. */
  readonly ratio?: number
  /** What the figure should reach, where a floor is set: a minimum, or a maximum (`bytes`, `ms`, `MB`, `%`). */
  readonly floor?: number
  /** The least ratio of ours to theirs, where a floor is set; of what should be small (`bytes`, `ms`, `MB`, `%`) the greatest. */
  readonly ratioFloor?: number
  /** Of how many runs it is the median. */
  readonly runs?: number
  /** What stands in the way of the floor, where it is missed at times. */
  readonly inTheWay?: string
}

/** A comparison that is kept: the day when it was made, and on what. */
export interface Result extends Comparison {
  readonly day: string
  readonly machine: string
}

/** Events per second of `work`, which handles `count` of them. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (count / (performance.now() - started)) * 1_000
}

/** How long `work` takes, in ms. */
export async function spentMs(work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/**
 * Events per second of two ways to do the same, each `count` in all, in turns of `turn`: what else the machine does in the
 * meantime falls on both. A way is given from which to which it shall go.
 */
export async function ratesInTurns(
  count: number,
  turn: number,
  ways: Record<'ours' | 'theirs', (from: number, to: number) => Promise<unknown>>
): Promise<{ ours: number; theirs: number }> {
  const spentMs = { ours: 0, theirs: 0 }
  for (let from = 0; from < count; from += turn) {
    for (const who of ['ours', 'theirs'] as const) {
      const started = performance.now()
      await ways[who](from, Math.min(count, from + turn))
      spentMs[who] += performance.now() - started
    }
  }
  return { ours: (count / spentMs.ours) * 1_000, theirs: (count / spentMs.theirs) * 1_000 }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** The `share`-quantile (0 to 1) by the nearest rank. */
export function quantile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Several runs of the same comparison as one: the medians. */
export function medianOf(runs: readonly Comparison[]): Comparison {
  const first = { ...(runs[0] as Comparison), runs: runs.length }
  const ours = median(runs.map((run) => run.ours))
  const paired = runs.flatMap((run) => (run.theirs === undefined ? [] : [{ ours: run.ours, theirs: run.theirs }]))
  if (paired.length === 0) return { ...first, ours }
  const theirs = median(paired.map((pair) => pair.theirs))
  return { ...first, ours, theirs, ratio: median(paired.map((pair) => pair.ours / pair.theirs)) }
}
