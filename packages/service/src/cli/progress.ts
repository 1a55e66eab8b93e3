import type { Output } from './output.ts'

/** How far a long command is, on standard error, while a person watches. */
export interface Progress {
  /** `done` of the total; `count` of the unit so far, for the rate. */
  update(done: number, count: number): void
  stop(): void
}

const SILENT: Progress = { update: () => {}, stop: () => {} }

/** A bar with the rate, in `unit` such as events, and the time that is left. `total` is in whatever `done` counts. */
export async function startProgress(output: Output, what: string, unit: string, total: number): Promise<Progress> {
  if (!output.watched) return SILENT
  const { default: cliProgress } = await import('cli-progress')
  const started = performance.now()
  const bar = new cliProgress.SingleBar(
    {
      format: `${what} {bar} {percentage}% | {count} ${unit} | {rate}/s | ETA {eta_formatted}`,
      barsize: 30,
      etaBuffer: 50,
      hideCursor: false,
      fps: 10
    },
    cliProgress.Presets.shades_classic
  )
  bar.start(total, 0, { count: '0', rate: '-' })
  return {
    update(done, count) {
      const seconds = (performance.now() - started) / 1_000
      const rate = Math.round(count / Math.max(seconds, 0.001))
      bar.update(Math.min(done, total), { count: count.toLocaleString('en'), rate: rate.toLocaleString('en') })
    },
    stop: () => bar.stop()
  }
}
