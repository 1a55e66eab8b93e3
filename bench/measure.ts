/** One comparison: our figure beside a peer's, from the same run. */
export interface Comparison {
  /** What is measured, in words. */
  readonly what: string
  readonly unit: 'events/s' | 'requests/s' | 'ms' | 'MB'
  readonly ours: number
  /** Who the peer is, and its figure. */
  readonly peer?: string
  readonly theirs?: number
  /** What the figure should reach, where a floor is set: at least so much, or at most (`ms`, `MB`). */
  readonly floor?: number
  /** The least ratio of ours to theirs, where a floor is set. */
  readonly ratioFloor?: number
}

/** Runs the scenario on a log; resolves to one comparison or several. */
export interface Scenario {
  readonly name: string
  run(): Promise<Comparison[]>
}

/** Events per second of `work`, which handles `count` of them. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (count / (performance.now() - started)) * 1_000
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
  const first = runs[0] as Comparison
  const theirs = runs.flatMap((run) => (run.theirs === undefined ? [] : [run.theirs]))
  return {
    ...first,
    ours: median(runs.map(({ ours }) => ours)),
    ...(theirs.length === 0 ? {} : { theirs: median(theirs) })
  }
}
