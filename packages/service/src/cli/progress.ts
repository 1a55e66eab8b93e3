import type { Output } from './output.ts'

/** How far a long command is, on standard error, while a person watches. */
export interface Progress {
  /** `done` of the total; `count` of the unit so far, for the rate. */
  update(done: number, count: number): void
  stop(): void
}

const SILENT: Progress = { update: () => {}, stop: () => {} }

/**
 * A bar with the rate, in `unit` such as events, and the time that is left. `total` has the unit of `done`; without one
 * there is no bar but the count and the rate.
 */
export async function startProgress(
  output: Output,
  what: string,
  unit: string,
  total: number | undefined
): Promise<Progress> {
  if (!output.watched) return SILENT
  const { default: cliProgress } = await import('cli-progress')
  const started = performance.now()
  const end = total === undefined ? '' : ' | ETA {eta_formatted}'
  const bar = new cliProgress.SingleBar(
    {
      format: `${what} ${total === undefined ? '' : '{bar} {percentage}% | '}{count} ${unit} | {rate}/s${end}`,
      barsize: 30,
      etaBuffer: 50,
      hideCursor: false,
      stream: output.terminal,
      fps: 10
    },
    cliProgress.Presets.shades_classic
  )
  bar.start(total ?? 1, 0, { count: '0', rate: '-' })
  return {
    update(done, count) {
      const seconds = (performance.now() - started) / 1_000
      const rate = Math.round(count / Math.max(seconds, 0.001))
      bar.update(Math.min(done, total ?? 1), { count: count.toLocaleString('en'), rate: rate.toLocaleString('en') })
    },
    stop: () => bar.stop()
  }
}

/** What a long piece of work shows of itself. */
export interface Shown {
  readonly what: string
  readonly unit: string
  /** A file that is read meanwhile: how far that is, is how far the work is. */
  readonly of?: { readonly size: number; readonly position: number }
}

/** Runs a piece of work that reads a file, or of which nobody knows how long it is, with progress. The work tells its count. */
export async function withProgress<Result>(
  output: Output,
  { what, unit, of }: Shown,
  work: (tell: (count: number) => void) => Promise<Result>
): Promise<Result> {
  const progress = await startProgress(output, what, unit, of && Math.max(1, of.size))
  try {
    return await work((count) => progress.update(of === undefined ? 0 : of.position, count))
  } finally {
    progress.stop()
  }
}
